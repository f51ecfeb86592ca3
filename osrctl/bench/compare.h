// What became slower, or larger, since a stored run.
#pragma once

#include "osrctl/bench/report.h"

namespace osr {

struct Change {
  std::string what; ///< "lisp, auto: CPU"
  double before = 0, after = 0;
  std::string unit; ///< of both
  bool is_worse() const { return after > before; }
};

/// Changes that are more than noise: the medians differ by more than `margin` (0.05: 5 %), and the quartiles of the two runs
/// do not overlap. Times of whole programs are taken relative to the reference of the same run, so that a slower machine
/// is no change; without one in both, as they are.
std::vector<Change> changes_between(const Report &before, const Report &after, double margin);

/// A line for each, the worst first; a line that says so if there is none.
std::string text_of(llvm::ArrayRef<Change> changes, double margin);

} // namespace osr
