// Requests of the host and of policies: find what is to be replaced, redirect calls, rewrite frames, free what is left.
#pragma once

#include "osr/replace.h"
#include "runtime/engine/reclaimer.h"
#include "runtime/requests/follow_ups.h"
#include "runtime/requests/loop_polls.h"
#include "runtime/requests/request_queue.h"
#include "runtime/requests/requests.h"

#include <llvm/Support/Error.h>

#include <atomic>
#include <memory>

namespace osr {

/// Thread-safe but for what requires the engine's lock. Before start() every request is refused.
class Replacer {
public:
  explicit Replacer(Engine &engine) : engine_(engine) { start_threads(); }

  /// The engine watches threads from before this on.
  void start();
  bool is_started() const { return is_started_.load(std::memory_order_acquire); }

  /// Runtime::replace, by the function's current name or by its entry.
  llvm::Expected<ReplaceOutcome> replace(llvm::StringRef function, const ReplaceOptions &options);
  llvm::Expected<ReplaceOutcome> replace(EntryId entry, const ReplaceOptions &options, const Effort &effort = {});
  /// The same in the background.
  std::shared_ptr<PendingRequest> request(llvm::StringRef function, const ReplaceOptions &options);

  /// Carries one request out, in one of its ways, and remembers what has to follow.
  using Way = llvm::Expected<RequestOutcome> (Requests::*)(const Replacement &);
  llvm::Expected<ReplaceOutcome> carry_out(const Replacement &what, Way way) OSR_REQUIRES(engine_lock);

  Reclaimer &reclaimer() OSR_REQUIRES(engine_lock) { return *reclaimer_; }
  /// Frees at once what nothing leads into. True if something has to wait for its activations.
  bool reclaim();
  /// There may be something to free, or an activation that can follow now.
  void reclaim_soon();

  /// An exception has landed at `pc`, in a thread of the program that unwinds: no lock is taken that a stopped thread may
  /// hold. Patched return points are not stubs: what lands there leaves when it next returns to a patched one.
  void on_exception_landed(std::uint64_t pc);

  /// Threads of its own end; requests that wait are cancelled.
  void stop();
  /// The same; but what has begun is left alone if it is not done by then.
  void end_by(std::chrono::steady_clock::time_point when);
  /// In the child of a fork: the threads are not there.
  void forget_threads();
  /// Around a fork.
  void before_fork() OSR_REQUIRES(engine_lock);
  void after_fork(bool is_child) OSR_REQUIRES(engine_lock);

private:
  void start_threads();
  llvm::Expected<FunctionId> replaceable_body(EntryId entry, const ReplaceOptions &options) const
      OSR_REQUIRES(engine_lock);
  bool has_thread(pid_t tid) const;
  llvm::Error not_replaced(FunctionId body, llvm::Error error) const OSR_REQUIRES(engine_lock);
  std::vector<const Version *> replaced_by(FunctionId body, const ReplaceOptions &options) const
      OSR_REQUIRES(engine_lock);
  llvm::Expected<const Version *> prepare(FunctionId body, const ReplaceOptions &options) OSR_REQUIRES(engine_lock);
  llvm::Expected<ReplaceOutcome> replace_now(EntryId entry, const ReplaceOptions &options, const Effort &effort);
  llvm::Expected<ReplaceOutcome> rewrite(FunctionId body, const ReplaceOptions &options, const Effort &effort,
                                         llvm::ArrayRef<const Version *> old) OSR_REQUIRES(engine_lock);
  struct Waiting;
  llvm::Error begin_waiting(Waiting &waiting, const ReplaceOptions &options) OSR_REQUIRES(engine_lock);
  class OldActivations;
  OldActivations activations_of(FunctionId body, const ReplaceOptions &options,
                                llvm::ArrayRef<const Version *> old) const OSR_REQUIRES(engine_lock);
  llvm::Expected<bool> is_there(const OldActivations &wanted, bool only_here) OSR_REQUIRES(engine_lock);
  llvm::Error refuse_below_own(FunctionId body, const ReplaceOptions &options, llvm::ArrayRef<const Version *> old)
      OSR_REQUIRES(engine_lock);
  bool is_quiescent(FunctionId body, const ReplaceOptions &options, llvm::ArrayRef<const Version *> old)
      OSR_REQUIRES(engine_lock);
  void give_up(Waiting &waiting, llvm::ArrayRef<const Version *> old) OSR_REQUIRES(engine_lock);
  llvm::Error refuse_hidden(FunctionId body) const OSR_REQUIRES(engine_lock);
  llvm::Expected<bool> has_ended(Waiting &waiting, const ReplaceOptions &options);
  llvm::Expected<ReplaceOutcome> wait_quiescent(EntryId entry, const ReplaceOptions &options);
  void follow_up() OSR_REQUIRES(engine_lock);
  void count(const ReplaceOutcome &outcome) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  std::unique_ptr<LoopPolls> polls_;
  std::atomic<bool> is_started_ = false;
  std::unique_ptr<Requests> requests_ OSR_GUARDED_BY(engine_lock); ///< null before start(), like the reclaimer
  FollowUps follow_ups_;
  std::unique_ptr<Reclaimer> reclaimer_ OSR_GUARDED_BY(engine_lock);
  std::unique_ptr<RequestQueue> queue_;
  std::unique_ptr<ReclaimLoop> reclaim_loop_;
};

} // namespace osr
