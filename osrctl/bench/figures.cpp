#include "osrctl/bench/figures.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

std::optional<Spread> spread_if_any(ArrayRef<double> values) {
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

std::optional<Spread> single(double value) {
  return value == 0 ? std::nullopt : std::optional(Spread{value, value, value, value, value});
}

constexpr Figure all_figures[] = {
    {"CPU", "s", "user and system time of the whole process, compiling included", 1, 3,
     [](const WayReport &way) { return spread_if_any(way.cpu_seconds); }},
    {"wall", "s", "from the start of the process to its end", 1, 3,
     [](const WayReport &way) { return spread_if_any(way.wall_seconds); }},
    {"first output", "ms", "from the start of the process to the first byte that it writes", 1e-3, 1,
     [](const WayReport &way) { return spread_if_any(way.first_output_seconds); }},
    {"memory", "MB", "most resident memory of the process", 1e6, 1,
     [](const WayReport &way) { return single(double(way.memory_bytes)); }},
    {"code", "KB", "machine code of the program, all versions together", 1e3, 1,
     [](const WayReport &way) { return single(double(way.code_bytes)); }},
    {"maps", "KB", "stack maps of that code", 1e3, 1,
     [](const WayReport &way) { return single(double(way.map_bytes)); }},
    {"stops", "", "how often all threads were stopped", 1, 0,
     [](const WayReport &way) { return single(double(way.stops)); }},
    {"longest pause", "ms", "the longest of these stops", 1e-3, 3,
     [](const WayReport &way) { return single(way.longest_pause_seconds); }},
    {"instructions", "M", "of the whole process, by callgrind", 1e6, 1,
     [](const WayReport &way) { return single(double(way.instructions)); }},
};

} // namespace

ArrayRef<Figure> figures() { return all_figures; }

std::string to_text(const Figure &figure, const WayReport &way) {
  const auto spread = figure.of(way);
  return spread ? fmt::format("{:.{}f}", spread->median / figure.unit_size, figure.decimals) : "";
}

std::string spread_text(const Figure &figure, const WayReport &way) {
  const auto spread = figure.of(way);
  if (!spread || spread->least == spread->most)
    return "";
  return fmt::format("{:.{}f} to {:.{}f}", spread->lower / figure.unit_size, figure.decimals,
                     spread->upper / figure.unit_size, figure.decimals);
}

std::optional<double> ratio_of(const Figure &figure, const ProgramReport &program, const WayReport &way) {
  const WayReport *reference = program.find_way(program.reference);
  const auto ours = figure.of(way), theirs = reference ? figure.of(*reference) : std::nullopt;
  if (!ours || !theirs || ours->median <= 0 || theirs->median <= 0)
    return std::nullopt;
  return ours->median / theirs->median;
}

std::vector<std::string> way_names(const Report &report) {
  std::vector<std::string> result;
  for (const ProgramReport &program : report.programs)
    for (const WayReport &way : program.ways)
      if (!is_contained(result, way.name))
        result.push_back(way.name);
  return result;
}

std::optional<double> mean_ratio(const Figure &figure, const Report &report, ArrayRef<std::string> ways,
                                 StringRef way) {
  std::vector<double> ratios;
  for (const ProgramReport &program : report.programs) {
    const auto ratio_in = [&](StringRef name) {
      const WayReport *found = program.find_way(name);
      return found ? ratio_of(figure, program, *found) : std::nullopt;
    };
    if (all_of(ways, [&](const std::string &each) { return ratio_in(each).has_value(); }))
      ratios.push_back(*ratio_in(way));
  }
  return ratios.empty() ? std::nullopt : std::optional(geometric_mean(ratios));
}

} // namespace osr
