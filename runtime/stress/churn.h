// The stress mode churn:HZ: code is made, replaced, redefined and freed, for ever.
#pragma once

#include "runtime/engine/continuation_budget.h"
#include "runtime/process/ticker.h"
#include "runtime/redefine/redefiner.h"

#include <llvm/ADT/SmallVector.h>

#include <chrono>
#include <random>
#include <set>
#include <string>

namespace osr {

/// From construction to destruction a thread of its own does, `per_second` times a second, one of these to a random
/// function, mostly one that is on a stack at that time: replaces it by a new version of a random tier, lets its
/// activations end in the old version, or redefines it by its own source. Old code is always freed. The program must have kept its source. What it meets depends on time:
/// runs differ, the program's output must not. What is redefined is compiled again at its next call, in the program's thread: where
/// compiling takes long, the program gets its share of the time before the next one.
class Churn {
public:
  Churn(Engine &engine, Replacer &replacer, Redefiner &redefiner, std::uint64_t per_second);
  /// It begins nothing any more; what was begun is left alone if it is not done by then.
  void end_by(std::chrono::steady_clock::time_point when) { ticker_.end_by(when); }

private:
  void act();
  bool has_run_since();
  struct Function {
    EntryId entry;
    std::string name;
  };
  std::optional<Function> choose();
  void replace(EntryId function);
  void redefine(const std::string &function);
  Tier random_tier() { return random_() % 2 == 0 ? Tier::Baseline : Tier::Optimized; }

  Engine &engine_;
  Replacer &replacer_;
  Redefiner &redefiner_;
  /// Their bodies were made of the source of one function, like those that will be. The first bodies were made when the
  /// whole program was in sight, and may have other sites.
  std::set<std::string> redefined_;
  std::mt19937 random_{1};
  std::chrono::steady_clock::time_point acted_at_ = std::chrono::steady_clock::now();
  double compiled_before_ = 0; ///< seconds
  Ticker ticker_; ///< last: it uses all of the above
};

} // namespace osr
