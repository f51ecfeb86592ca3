// How many continuations the stress modes may compile.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <algorithm>
#include <cstdint>
#include <map>

namespace osr {

/// A continuation holds all of its function that can still be reached, so one at each site costs the square of the
/// function's size: a function of thousands of sites would be compiled for hours. So would one with hundreds of values live
/// at each: the compiler's time grows with the values that it has to keep track of, and with their square where registers are
/// given out. A plain count, not time, so that the same program always makes the same transitions.
class ContinuationBudget {
public:
  /// False: another continuation of this function would be too many (RefusalKind::TooLarge).
  bool spend(const FunctionInfo &function) {
    std::uint64_t &spent = spent_[function.id];
    const std::uint64_t cost = cost_of(function);
    if (spent + cost > most_per_function)
      return false;
    spent += cost;
    return true;
  }

private:
  static constexpr std::uint64_t most_per_function = 3'000; ///< number of continuations times cost_of(function)
  static constexpr std::uint64_t usual_values = 16; ///< that live on at a site

  /// In sites with as many values as usual.
  static std::uint64_t cost_of(const FunctionInfo &function) {
    std::uint64_t values = 0;
    for (const Site &site : function.sites())
      values += site.state.size();
    return std::max<std::uint64_t>(function.sites().size(), values / usual_values);
  }

  std::map<FunctionId, std::uint64_t> spent_;
};

} // namespace osr
