// Finding references in frames, at a safepoint.
//
//   stop     all threads are where they stay; a signal only shows their registers      frames are listed
//   look     records say where references are, and stubs are made for activations      allocates, compiles
//            that have to leave optimised code
//   stop     their return PCs are rewritten: all or none
//
// References of optimised code wait in slots of the frame that only records name, so whoever leaves takes what a collector has
// put there. Code that is not left would go on with what it has in registers.
#pragma once

#include "osr/safepoint.h"
#include "runtime/engine/look_at_stacks.h"

#include <llvm/Support/Error.h>

#include <vector>

namespace osr {

/// The safepoint is closed (safepoint_gate.h).
class SafepointScan {
public:
  explicit SafepointScan(Engine &engine) : engine_(engine) {}

  /// All roots of all threads. If objects move, all activations that could not bear it are on their way to other code then. The
  /// error says which activation cannot leave, or which stack not be walked; then nothing has changed.
  llvm::Expected<Safepoint> run(bool objects_move) OSR_REQUIRES(engine_lock);

private:
  struct Found {
    Frame frame;
    std::uint64_t stack_low; ///< of its thread
    pid_t tid;
    std::uint64_t stub_pc = 0; ///< where it will go; 0: it stays
  };

  bool note_stack(const ProgramThread &thread, const FrameCursor &cursor);
  llvm::Error list_frames() OSR_REQUIRES(engine_lock);
  StackLook list_frames_of(const ProgramThread &thread, RulesFinder &rules);
  llvm::Error prepare_leaving(Found &found) OSR_REQUIRES(engine_lock);
  llvm::Error leave() OSR_REQUIRES(engine_lock);
  void add_roots(const Found &found, Safepoint &safepoint) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  std::vector<Found> found_; ///< frames of code that uses references
  Safepoint safepoint_;
  pid_t interrupted_ = 0; ///< a thread that a signal has interrupted elsewhere than in a call; 0: none
  pid_t called_directly_ = 0; ///< a thread that is in the program without having said so; 0: none
};

} // namespace osr
