// Which functions are worth optimising, and when: the embedder's choice.
#pragma once

#include "osr/tier.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace osr {

/// What is known about a function whose activations were noticed in baseline code.
struct Heat {
  FunctionId function = 0; ///< the body
  std::uint32_t times = 0; ///< how often it was noticed, this time included; see TierPolicy for what that means
  bool is_hot = false;     ///< there is optimised code already: an activation of the old code is left
  std::int32_t first_count = 0; ///< what the policy said of it before; 0: its code does not count
};

/// What a policy may know of a function before anything of it has run.
struct FunctionSummary {
  FunctionId function = 0; ///< the body
  std::string_view name;   ///< valid during the call
  std::size_t sites = 0;   ///< places where its activations can be replaced
  std::size_t instructions = 0; ///< of LLVM IR, in its body
  bool is_replaceable = true; ///< false: its activations end in the code that they began in
};

/// What baseline code counts at each entry and each round of a loop.
enum class Counted : std::uint8_t {
  Rounds, ///< one
  Work,   ///< the instructions of LLVM IR that it has there: in all about those that it executes, calls apart
};

/// Decides. Code begins at the baseline tier; what the policy wants is compiled at the optimised tier, in the
/// background or at once (TierUpOptions), calls to come enter that, and running activations are replaced. A policy may let baseline
/// code count, or let the runtime look at the stacks from time to time, or both.
class TierPolicy {
public:
  virtual ~TierPolicy() = default;

  /// From where baseline code of the function counts down, at each entry and each round of a loop. When that runs out
  /// the function is noticed, and counts on from next_count(). Nothing: its code does not count.
  virtual std::optional<std::int32_t> first_count(const FunctionSummary &function) const;
  virtual std::int32_t next_count(Heat heat) const;
  virtual Counted counted() const { return Counted::Rounds; }

  /// Who is noticed so often, or has done so much, is hot. Nothing: there is no such number.
  virtual std::optional<std::uint32_t> threshold() const { return std::nullopt; }
  /// From here on it is another one, from 1 to 2^31 - 1; called by one thread at a time, while others ask. False: there is no such number, and
  /// nothing has changed. Somebody at the control socket may want that. A policy that several runtimes have changes for all of them; only
  /// the one that was asked looks again at what it has counted so far.
  virtual bool set_threshold(std::uint32_t) const { return false; }

  /// All threads are stopped so often, if they used the processor meanwhile, and the functions of their newest
  /// activations noticed. Zero: never.
  virtual std::chrono::microseconds sampling_period() const { return std::chrono::microseconds(0); }

  /// The function was noticed: is it to be optimised now? Called in any thread of the program, also in several at
  /// once: it must neither allocate nor lock nor wait.
  virtual bool wants(Heat heat) const = 0;
};

/// Baseline code counts the work that it does: the default. A function is optimised when it has done about as much as optimising
/// it takes, which grows with its size: never much more is spent on optimising than is spent in code that is not, and
/// what costs little comes first.
class BudgetPolicy : public TierPolicy {
public:
  /// Instructions executed for each one that the body has; docs/measurements.md says how it was chosen.
  static constexpr std::int32_t usual_budget = 100'000;

  explicit BudgetPolicy(std::int32_t budget = usual_budget) : budget_(budget) {}
  Counted counted() const override { return Counted::Work; }
  std::optional<std::uint32_t> threshold() const override { return std::uint32_t(std::max(in_use(), 0)); }
  bool set_threshold(std::uint32_t threshold) const override;
  std::optional<std::int32_t> first_count(const FunctionSummary &function) const override;
  /// Activations that stay in the old code ask again, less and less often.
  std::int32_t next_count(Heat heat) const override;
  bool wants(Heat) const override { return true; }

private:
  std::int32_t in_use() const { return budget_.load(std::memory_order_relaxed); }
  mutable std::atomic<std::int32_t> budget_;
};

/// Baseline code counts how often functions are entered and loops go round.
class CountingPolicy : public TierPolicy {
public:
  static constexpr std::int32_t usual_threshold = 1'000;

  explicit CountingPolicy(std::int32_t threshold = usual_threshold) : threshold_(threshold) {}
  std::optional<std::uint32_t> threshold() const override { return std::uint32_t(std::max(in_use(), 0)); }
  bool set_threshold(std::uint32_t threshold) const override;
  std::optional<std::int32_t> first_count(const FunctionSummary &function) const override;
  /// Activations that stay in the old code ask again, less and less often.
  std::int32_t next_count(Heat heat) const override;
  bool wants(Heat) const override { return true; }

private:
  std::int32_t in_use() const { return threshold_.load(std::memory_order_relaxed); }
  mutable std::atomic<std::int32_t> threshold_;
};

/// No counters, so baseline code costs nothing more; but threads are stopped for each look.
class SamplingPolicy : public TierPolicy {
public:
  static constexpr std::chrono::microseconds usual_period{2'000};
  static constexpr std::uint32_t usual_threshold = 2;

  explicit SamplingPolicy(std::chrono::microseconds period = usual_period, std::uint32_t threshold = usual_threshold)
      : period_(period), threshold_(threshold) {}
  std::chrono::microseconds sampling_period() const override { return period_; }
  std::optional<std::uint32_t> threshold() const override { return threshold_.load(std::memory_order_relaxed); }
  bool set_threshold(std::uint32_t threshold) const override;
  bool wants(Heat heat) const override;

private:
  std::chrono::microseconds period_;
  mutable std::atomic<std::uint32_t> threshold_;
};

/// How what a policy wants is done.
struct TierUpOptions {
  std::shared_ptr<const TierPolicy> policy; ///< null: code stays at the tier that it begins with
  /// That compile. 0: the thread of the program that is noticed compiles, at once: the same program then makes the same
  /// transitions in every run. With a sampling policy that is the sampler's thread.
  unsigned compile_threads = 1;
  std::size_t queue_capacity = 64; ///< functions that are noticed while it is full are dropped, and noticed again later
};

} // namespace osr
