// Long answers on a terminal.
#pragma once

#include <string>

namespace osr {

/// To stdout. If that is a terminal which the text does not fit into, through $PAGER, or less if there is none, which cuts lines where the
/// terminal ends.
void show_text(const std::string &text);

} // namespace osr
