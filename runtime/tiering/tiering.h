// What a policy wants optimised is compiled, and its activations follow: the part of a runtime that a policy drives.
#pragma once

#include "runtime/engine/first_calls.h"
#include "runtime/process/ticker.h"
#include "runtime/requests/replacer.h"
#include "runtime/tiering/chase_limit.h"
#include "runtime/tiering/stack_sampler.h"
#include "runtime/tiering/tier_up.h"

#include <atomic>
#include <memory>

namespace osr {

/// Thread-safe but for what requires the engine's lock. To be made before anything is compiled: it makes baseline code count.
class Tiering {
public:
  Tiering(Engine &engine, const FirstCalls &calls, Replacer &replacer, TierUpOptions options);

  /// The program is about to begin; the replacer is started. `may_compile_in_calls`: a thread of the program that is
  /// noticed may compile by itself, if the options ask for that.
  void start(bool may_compile_in_calls);

  /// In a thread of the program: baseline code has counted down, at an entry or in a loop. It may be about to be
  /// cancelled; see osr_loop_poll.
  void on_heat(HeatCounter &counter, NoticedBy by);
  /// In a poll of baseline code; the slot holds the return PC into the frame that polls.
  void on_counted_poll(std::uint64_t return_pc_slot);
  /// Its optimised code is out of use: as if the body had never been noticed.
  void notice_anew(FunctionId body) OSR_REQUIRES(engine_lock) { tier_up_.notice_anew(body); }

  /// Threads of its own end.
  void stop();
  /// The same; but what has begun is left alone if it is not done by then.
  void end_by(std::chrono::steady_clock::time_point when);
  /// Around a fork. The child's threads are not there.
  void before_fork() OSR_REQUIRES(engine_lock) { tier_up_.before_fork(); }
  void after_fork(bool is_child) OSR_REQUIRES(engine_lock);

  /// Nothing is optimised until it is false again; what is noticed meanwhile is noticed again. Thread-safe.
  void pause(bool paused) { is_paused_ = paused; }
  bool is_paused() const { return is_paused_; }

  /// The policy's (TierPolicy::threshold), and another one in its place. False: it has none.
  std::optional<std::uint32_t> threshold() const { return tier_up_.threshold(); }
  bool set_threshold(std::uint32_t threshold) OSR_REQUIRES(engine_lock) { return tier_up_.set_threshold(threshold); }

  Statistics::TierUp statistics() const { return tier_up_.statistics(); }
  /// How often the body was noticed.
  std::uint32_t heat_of(FunctionId body) OSR_REQUIRES(engine_lock) { return tier_up_.heat_of(body); }

private:
  using Outcome = llvm::Expected<ReplaceOutcome>;
  bool may_tier_up(FunctionId body) const OSR_REQUIRES(engine_lock);
  bool has_one_thread() const;
  TierUp::Outcome optimize(FunctionId body, NoticedBy by, bool is_first, TierUp::Where where);
  Outcome optimize_by_steps(EntryId entry, FunctionId body, const ReplaceOptions &options, Effort effort);
  void start_sampling();
  void sample();

  Engine &engine_;
  const FirstCalls &calls_;
  Replacer &replacer_;
  TierUp tier_up_;
  ChaseLimit chases_ OSR_GUARDED_BY(engine_lock);
  std::atomic<bool> is_paused_ = false;
  std::unique_ptr<StackSampler> sampler_;
  std::unique_ptr<Ticker> sampling_;
};

} // namespace osr
