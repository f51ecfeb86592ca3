// What is shown of each way, in tables and plots alike.
#pragma once

#include "osrctl/bench/report.h"

#include <llvm/ADT/STLFunctionalExtras.h>

#include <optional>

namespace osr {

/// A column of the tables.
struct Figure {
  const char *name, *unit, *explanation;
  double unit_size;                           ///< in the units of the report (seconds, bytes, 1)
  int decimals;
  std::optional<Spread> (*of)(const WayReport &way); ///< nothing: not known
};
llvm::ArrayRef<Figure> figures();

/// In the figure's unit; "" if it is not known.
std::string to_text(const Figure &figure, const WayReport &way);
/// "0.412 to 0.437", the quartiles; "" if there is one value only.
std::string spread_text(const Figure &figure, const WayReport &way);

/// The way's median relative to that of the program's reference; nothing without both.
std::optional<double> ratio_of(const Figure &figure, const ProgramReport &program, const WayReport &way);

/// All ways of all programs, in the order in which they appear.
std::vector<std::string> way_names(const Report &report);

/// Of the ratios of that way over the programs in which each of `ways` has one, so that means can be compared; nothing if there
/// is none.
std::optional<double> mean_ratio(const Figure &figure, const Report &report, llvm::ArrayRef<std::string> ways,
                                 llvm::StringRef way);

} // namespace osr
