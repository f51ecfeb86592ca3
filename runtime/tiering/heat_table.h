// How often each body of the program was noticed in baseline code.
#pragma once

#include "compiler/base/engine_lock.h"
#include "compiler/canonical/canonical_program.h"
#include "compiler/tiers/count_heat.h"
#include "osr/policy.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// Counters have the address that code was given for ever. Noticing needs no lock.
class HeatTable {
public:
  /// Room for one counter where code reaches it (count_heat.h), for as long as the table lives; null: there is none left.
  using Allocate = std::function<void *(std::size_t size, std::size_t align)>;

  HeatTable(const TierPolicy &policy, Allocate allocate) : policy_(policy), allocate_(std::move(allocate)) {}

  /// The counter that baseline code of the body uses; null if it does not count. `may_tier_up` false: it is never
  /// to be optimised. Without room for a counter neither.
  HeatCounter *counter_of(const FunctionInfo &body, std::size_t instructions, bool may_tier_up)
      OSR_REQUIRES(engine_lock);
  /// The counter, whether code counts or not; null if the body was never compiled.
  HeatCounter *find(FunctionId body) OSR_REQUIRES(engine_lock);

  /// A counter ran out, or a sampler saw an activation. True: the function is to be queued; then the caller says what
  /// became of it. Async-signal-safe.
  bool notice(HeatCounter &counter) const;
  /// The counter did run out; restarts it. False: another thread was faster.
  bool restart(HeatCounter &counter) const;

  /// There is no optimised code of the body any more: it counts as at the beginning.
  void notice_anew(FunctionId body) OSR_REQUIRES(engine_lock);

  /// The policy gets another one (TierPolicy::set_threshold): for code that counts, or is looked at, from now on, and what has
  /// been counted so far counts. False: the policy has none.
  bool set_threshold(std::uint32_t threshold) OSR_REQUIRES(engine_lock);
  std::optional<std::uint32_t> threshold() const { return policy_.threshold(); }

  /// Nothing is queued any more: the child of a fork begins with an empty queue.
  void forget_queued() OSR_REQUIRES(engine_lock);

private:
  struct Counting {
    HeatCounter *counter = nullptr;
    std::string name;
    std::size_t sites = 0, instructions = 0; ///< as the policy was told
    bool is_replaceable = true;
  };
  /// A counter that is about to count to another number.
  struct Progress {
    Counting *counting;
    std::uint32_t times;
    std::int64_t counted; ///< since it began, or was noticed last
    std::int32_t left; ///< to go
  };

  Heat heat_of(const HeatCounter &counter) const;
  std::vector<Progress> count_so_far() OSR_REQUIRES(engine_lock);
  bool count_on(Progress &progress) const;

  const TierPolicy &policy_;
  Allocate allocate_;
  std::deque<std::unique_ptr<Counting>> counters_ OSR_GUARDED_BY(engine_lock); ///< by body
};

} // namespace osr
