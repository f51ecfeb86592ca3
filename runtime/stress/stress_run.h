// The stress mode of one run: what acts at calls and polls, and what has a thread of its own.
#pragma once

#include "runtime/stress/async_stress.h"
#include "runtime/stress/churn.h"
#include "runtime/stress/stress.h"

#include <memory>
#include <optional>

namespace osr {

/// Thread-safe.
class StressRun {
public:
  /// Fails when the mode names a function or site at which there can be no replacement.
  static llvm::Expected<std::unique_ptr<StressRun>> create(const StressMode &mode, Engine &engine);

  /// The program is about to begin; the replacer is started. What does not act at calls acts from here on.
  void start(Replacer &replacer, Redefiner &redefiner);

  /// From the entry hook, in a thread of the program, if the mode acts at calls.
  void on_call(const EntryFrame &frame);
  bool acts_at_calls() const { return mode_.acts_at_calls(); }
  bool acts_at_polls() const { return mode_.acts_at_polls(); }
  /// From a poll, if the mode acts there.
  void on_poll(std::uint64_t return_pc_slot);

  /// Threads of its own end.
  void stop();
  /// The same; but what has begun is left alone if it is not done by then.
  void end_by(std::chrono::steady_clock::time_point when);
  /// In the child of a fork: the threads are not there.
  void forget_threads();

private:
  StressRun(const StressMode &mode, Engine &engine) : mode_(mode), engine_(engine) {}

  void flip_each();

  StressMode mode_;
  Engine &engine_;
  std::optional<Stress> stress_; ///< acts at calls or polls
  std::unique_ptr<AsyncStress> async_;
  std::unique_ptr<Churn> churn_;
  std::unique_ptr<Ticker> loops_;
  bool is_flipping_ = false; ///< each poll of every thread
};

} // namespace osr
