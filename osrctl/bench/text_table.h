// A report for a terminal.
#pragma once

#include "osrctl/bench/report.h"

namespace osr {

/// What one program took in each way.
std::string text_of(const ProgramReport &program);

/// Means over all programs, if there are several, and the other tables.
std::string summary_text(const Report &report);

} // namespace osr
