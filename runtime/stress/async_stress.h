// The stress mode async:HZ: requests at random times.
#pragma once

#include "runtime/engine/continuation_budget.h"
#include "runtime/process/ticker.h"
#include "runtime/requests/replacer.h"

#include <chrono>
#include <random>
#include <vector>

namespace osr {

/// From construction to destruction a thread of its own replaces, `per_second` times a second, a random function by a
/// random tier: mostly one that is on a stack at that time, of which a large program has few among many. Which frames it
/// meets depends on time: runs differ, the program's output must not.
class AsyncStress {
public:
  AsyncStress(Engine &engine, Replacer &replacer, std::uint64_t per_second);
  /// It begins nothing any more; what was begun is left alone if it is not done by then.
  void end_by(std::chrono::steady_clock::time_point when) { ticker_.end_by(when); }

private:
  void look_for_functions();
  void replace_something();
  EntryId choose();

  Engine &engine_;
  Replacer &replacer_;
  std::vector<EntryId> functions_;
  std::uint32_t entries_seen_ = 0; ///< when these were looked for
  ContinuationBudget budget_;
  std::mt19937 random_{1};
  Ticker ticker_; ///< last: it uses all of the above
};

} // namespace osr
