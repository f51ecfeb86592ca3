// Gives back the memory of code that is out of use, as soon as the stacks show that nothing leads into it.
//
// A version that was retired goes in two steps, since its activations may long be on their way to new code while their
// frames still lie on a stack:
//
//   not entrant ──► no pc, no return PC, no pending stub leads into its code ──► code freed, address free for others
//               ──► no stub of one of its frames is pending any more         ──► records, unwind rows and stubs freed
#pragma once

#include "compiler/base/engine_lock.h"
#include "runtime/engine/engine.h"
#include "runtime/process/worker_threads.h"
#include "runtime/reclaim/stack_evidence.h"

#include <llvm/ADT/DenseSet.h>

#include <chrono>
#include <functional>
#include <optional>

namespace osr {

/// The engine, which watches threads, must outlive it.
class Reclaimer {
public:
  explicit Reclaimer(Engine &engine)
      : engine_(engine), handshake_(engine.handshake()), versions_(engine.versions()), stubs_(engine.stubs()),
        lookup_(engine.lookup()), table_(engine.stub_table()), statistics_(engine.statistics()),
        redirector_(engine.redirector()) {}

  /// Takes a version out of use. Calls must not enter it any more, and no new stub is made that leads to it.
  void retire(const Version &version) OSR_REQUIRES(engine_lock);
  /// Those of them that are in use and that calls do not enter.
  void retire_left(llvm::ArrayRef<const Version *> versions) OSR_REQUIRES(engine_lock);

  /// The functions of this module were withdrawn: its variables go when nothing of it is left.
  void free_when_unused(Engine::Added module) OSR_REQUIRES(engine_lock) { removed_.push_back(std::move(module)); }

  /// Stops all threads once, looks, and frees what may be freed. True if something has to wait for activations, or if
  /// the threads could not be stopped or walked this time.
  bool scan() OSR_REQUIRES(engine_lock);

  /// Activations may wait where nobody sees them, on stacks that the program makes itself: all code is kept.
  bool has_hidden_stacks() const OSR_REQUIRES(engine_lock) { return is_any_unseen_ || is_blind(); }

  /// Nothing leads into the code of these versions. False also if the threads could not be stopped or walked.
  bool is_quiescent(llvm::ArrayRef<const Version *> versions) OSR_REQUIRES(engine_lock);

private:
  using Objects = llvm::DenseSet<const CodeObject *>;
  bool is_blind() const;
  std::optional<StackEvidence> gather(const Objects &objects) OSR_REQUIRES(engine_lock);
  StackEvidence watch(const Objects &objects, llvm::ArrayRef<const ReturnStub *> stubs) const OSR_REQUIRES(engine_lock);
  void follow_patches(StackEvidence &evidence, llvm::ArrayRef<const ReturnStub *> stubs) const
      OSR_REQUIRES(engine_lock);
  const ReturnStub &stub_at(std::uint64_t stub_pc) const;
  void free_by(const StackEvidence &evidence) OSR_REQUIRES(engine_lock);
  bool is_anything_left() const OSR_REQUIRES(engine_lock);
  bool is_worth_a_stop() const OSR_REQUIRES(engine_lock);

  void drop_unused_bodies() OSR_REQUIRES(engine_lock);

  Engine &engine_;
  bool is_any_unseen_ OSR_GUARDED_BY(engine_lock) = false; ///< when threads were stopped last
  std::vector<Engine::Added> removed_ OSR_GUARDED_BY(engine_lock);
  Handshake &handshake_;
  VersionStore &versions_;
  StubFactory &stubs_;
  RegistryLookup lookup_;
  const StubTable &table_;
  Statistics &statistics_;
  FrameRedirector &redirector_;
  std::chrono::steady_clock::time_point last_stop_ OSR_GUARDED_BY(engine_lock);
};

/// A thread that calls `scan` again and again, less and less often, until it returns false; then it sleeps until the
/// next notify(). It is started by the first one.
class ReclaimLoop {
public:
  explicit ReclaimLoop(std::function<bool()> scan);
  /// There may be something to free. Thread-safe, also when the loop has ended.
  void notify();
  /// From here on nothing is begun any more; what has begun is left alone if it is not done by then.
  void end_by(std::chrono::steady_clock::time_point when) { thread_.end_by(when); }

private:
  WorkerThreads::Next next() OSR_REQUIRES(thread_.mutex());
  void scan();

  std::function<bool()> scan_;
  bool is_wanted_ OSR_GUARDED_BY(thread_.mutex()) = false;
  /// Until it looks again although nobody has notified it.
  WorkerThreads::Clock::time_point due_ OSR_GUARDED_BY(thread_.mutex()) = WorkerThreads::Clock::time_point::max();
  std::chrono::microseconds wait_ OSR_GUARDED_BY(thread_.mutex()) = {};
  WorkerThreads thread_;
};

} // namespace osr
