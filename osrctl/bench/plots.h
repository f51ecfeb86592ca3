// Plots as inline SVG. Colours are CSS variables of the page, so that they follow its light or dark scheme.
#pragma once

#include "osrctl/bench/figures.h"

namespace osr {

/// Text as it stands in HTML and SVG.
std::string escaped(llvm::StringRef text);

/// The class of a way's marks and lines ("way3"): the same in all plots of a page.
std::string class_of(llvm::ArrayRef<std::string> ways, llvm::StringRef way);

/// A mark for the legend.
std::string mark_svg(llvm::ArrayRef<std::string> ways, llvm::StringRef way);

/// A row for each program, a mark for each way: its median relative to the reference's on a logarithmic axis, with a line from
/// quartile to quartile. Empty if there is nothing to be shown.
std::string ratio_plot(const Report &report, const Figure &figure, llvm::ArrayRef<std::string> ways);

/// Lines of output a second over the time since the process was started, a line for each way. Empty if the program prints
/// only few.
std::string throughput_plot(const ProgramReport &program, llvm::ArrayRef<std::string> ways);

} // namespace osr
