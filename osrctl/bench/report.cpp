#include "osrctl/bench/report.h"

#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/MemoryBuffer.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using Json = nlohmann::json; // LLVM's passes have a namespace json
using namespace llvm;

namespace osr {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(WayReport, name, command, problem, cpu_seconds, wall_seconds,
                                                first_output_seconds, memory_bytes, code_bytes, map_bytes, instructions,
                                                stops, longest_pause_seconds, lines)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ProgramReport, name, arguments, reference, outcome, notes, ways)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TableRow, name, values)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Table, title, unit, rows)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Report, version, date, machine, runs, programs, tables)

namespace {

/// Between the two values that stand around this share of the sorted ones.
double quantile(ArrayRef<double> sorted, double share) {
  const double place = share * double(sorted.size() - 1);
  const std::size_t before = std::size_t(place), after = std::min(before + 1, sorted.size() - 1);
  return std::lerp(sorted[before], sorted[after], place - double(before));
}

Json summary_of(ArrayRef<double> values) {
  const Spread spread = spread_of(values);
  return {{"least", spread.least},
          {"lower_quartile", spread.lower},
          {"median", spread.median},
          {"upper_quartile", spread.upper},
          {"most", spread.most}};
}

} // namespace

const WayReport *ProgramReport::find_way(StringRef way) const {
  auto found = find_if(ways, [&](const WayReport &each) { return each.name == way; });
  return found == ways.end() ? nullptr : &*found;
}

std::vector<std::string> Report::problems() const {
  std::vector<std::string> result;
  for (const ProgramReport &program : programs)
    for (const WayReport &way : program.ways)
      if (!way.problem.empty())
        result.push_back(fmt::format("{}, {}: {}", program.name, way.name, way.problem));
  return result;
}

std::string Report::to_json() const {
  Json result = *this;
  for (Json &program : result["programs"])
    for (Json &way : program["ways"])
      for (const char *key : {"cpu_seconds", "wall_seconds", "first_output_seconds"})
        if (!way[key].empty())
          way["summary"][key] = summary_of(way[key].get<std::vector<double>>());
  for (Json &table : result["tables"])
    for (Json &row : table["rows"])
      row["summary"] = summary_of(row["values"].get<std::vector<double>>());
  return result.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Expected<Report> Report::read(const std::string &path) {
  auto text = MemoryBuffer::getFile(path);
  if (!text)
    return make_error("cannot read '{}': {}", path, text.getError().message());
  try {
    Json read = Json::parse((*text)->getBufferStart(), (*text)->getBufferEnd());
    if (!read.is_object() || !read.contains("programs"))
      return make_error("'{}' is no result of osrctl bench: --json writes those", path);
    return read.get<Report>();
  } catch (const Json::exception &error) {
    return make_error("'{}' is no result of osrctl bench: {}", path, error.what());
  }
}

Spread spread_of(ArrayRef<double> values) {
  if (values.empty())
    return {};
  std::vector<double> sorted(values);
  llvm::sort(sorted);
  return {sorted.front(), quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75), sorted.back()};
}

double geometric_mean(ArrayRef<double> values) {
  double sum = 0;
  for (double value : values)
    sum += std::log(value);
  return values.empty() ? 0 : std::exp(sum / double(values.size()));
}

} // namespace osr
