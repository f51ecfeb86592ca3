// A report as one page that needs nothing else: no script, no network.
#pragma once

#include "osrctl/bench/compare.h"

#include <optional>

namespace osr {

/// What a report was compared with.
struct Comparison {
  std::string file;
  double margin = 0;
  std::vector<Change> changes;
};

/// Well-formed as XML as well as HTML.
std::string html_page(const Report &report, const std::optional<Comparison> &comparison);

} // namespace osr
