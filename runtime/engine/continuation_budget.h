// How many continuations the stress modes may compile.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <map>

namespace osr {

/// A continuation holds all of its function that can still be reached, so one at each site costs the square of the
/// function's size: a function of thousands of sites would be compiled for hours. A plain count of sites, not time, so
/// that the same program always makes the same transitions.
class ContinuationBudget {
public:
  /// False: another continuation of this function would be too many (RefusalKind::TooLarge).
  bool spend(const FunctionInfo &function) {
    std::uint64_t &spent = spent_[function.id];
    if (spent + function.sites.size() > most_per_function)
      return false;
    spent += function.sites.size();
    return true;
  }

private:
  static constexpr std::uint64_t most_per_function = 3'000; ///< number of continuations times sites of the function
  std::map<FunctionId, std::uint64_t> spent_;
};

} // namespace osr
