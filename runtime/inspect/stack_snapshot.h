// The program's part of all stacks at one moment, copied: what is in it is looked at while threads run again.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/engine/look_at_stacks.h"

#include <llvm/Support/Error.h>

#include <optional>
#include <vector>

namespace osr {

/// One frame of code of ours.
struct FrameSnapshot {
  const CodeObject *code = nullptr;
  std::uint64_t pc = 0, cfa = 0;
  bool is_site = false;
  std::array<std::uint64_t, saved_register_count> saved{}; ///< callee-saved registers as it sees them
};

struct ThreadSnapshot {
  pid_t tid = 0;
  std::uint64_t low = 0;          ///< address of the first byte of `stack`
  std::vector<std::byte> stack;   ///< up to the program's base; empty: it was on an alternate one
  std::vector<FrameSnapshot> frames; ///< newest first

  /// Copies out what the frame's record says of a value. False: it is not in the snapshot.
  bool read(const FrameSnapshot &frame, const RecordedValue &value, std::byte *to) const;
  /// Copies out what was in the program's part of the stack. False: it lies elsewhere.
  bool read_memory(std::uint64_t address, std::byte *to, std::size_t size) const;
};

/// What a point or the source's description of a site says of a value, in the frame `inlined` of that frame of code. False: it
/// is not known.
bool read_value(Engine &engine, const PointValue &value, const FrameRecord &inlined, const ThreadSnapshot &thread,
                const FrameSnapshot &frame, std::byte *to) OSR_REQUIRES(engine_lock);

/// Memory for snapshots, made before threads are stopped, and the snapshots in it.
class StackCopies {
public:
  /// `beyond`: how many bytes behind the oldest frame's end belong to it.
  explicit StackCopies(std::size_t threads, std::uint64_t beyond = widest_arguments);

  void begin();
  /// A stopped thread's; allocates nothing.
  StackLook copy(const ProgramThread &thread, RulesFinder &rules);
  /// More than there was too little of. Not while threads are stopped.
  void make_room();
  std::vector<ThreadSnapshot> take();

  static constexpr std::uint64_t widest_arguments = 4096; ///< values may be where a caller passed them

private:
  void reserve(std::size_t threads);
  bool add(ThreadSnapshot &to, const FrameCursor &cursor);
  bool copy_stack(ThreadSnapshot &to, std::uint64_t high);

  std::vector<ThreadSnapshot> room_;
  std::size_t used_ = 0;
  std::size_t frames_ = 256, bytes_ = 64 * 1024; ///< room for each thread
  std::uint64_t beyond_;
  bool more_threads_ = false;
};

/// Only of thread `tid`, if there is one. Stops all threads, several times if stacks grow meanwhile. As long as the
/// engine's lock is held code objects stay. The error says which stack cannot be walked.
llvm::Expected<std::vector<ThreadSnapshot>> take_snapshot(Engine &engine, std::optional<pid_t> tid)
    OSR_REQUIRES(engine_lock);

} // namespace osr
