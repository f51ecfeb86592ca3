#include "osrctl/bench/text_table.h"

#include "osrctl/bench/figures.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

/// Columns as wide as their widest cell; the first is for names.
std::string aligned(ArrayRef<std::vector<std::string>> rows) {
  std::vector<std::size_t> widths;
  for (const auto &row : rows)
    for (auto [column, cell] : enumerate(row)) {
      widths.resize(std::max(widths.size(), column + 1));
      widths[column] = std::max(widths[column], cell.size());
    }
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (auto [column, cell] : enumerate(row))
      line +=
          column == 0 ? fmt::format("  {:<{}}", cell, widths[column]) : fmt::format("  {:>{}}", cell, widths[column]);
    text += StringRef(line).rtrim().str() + '\n';
  }
  return text;
}

std::string ratio_text(std::optional<double> ratio) { return ratio ? fmt::format("{:.2f}", *ratio) : ""; }

/// Figures that any of the ways has. The first one's spread is shown too.
std::vector<std::string> heads_of(const ProgramReport &program, std::vector<const Figure *> &shown) {
  std::vector<std::string> heads{""};
  for (const Figure &figure : figures()) {
    if (none_of(program.ways, [&](const WayReport &way) { return figure.of(way).has_value(); }))
      continue;
    shown.push_back(&figure);
    heads.push_back(fmt::format("{}{}{}", figure.name, *figure.unit ? " " : "", figure.unit));
    if (shown.size() == 1) {
      heads.push_back("quartiles");
      heads.push_back("of " + program.reference);
    }
  }
  return heads;
}

} // namespace

std::string text_of(const ProgramReport &program) {
  std::string text = fmt::format("{}{}{}: {}\n", program.name, program.arguments.empty() ? "" : " ", program.arguments,
                                 program.outcome.empty() ? "no way to run it" : program.outcome);
  std::vector<const Figure *> shown;
  std::vector<std::vector<std::string>> rows{heads_of(program, shown)};
  for (const WayReport &way : program.ways) {
    std::vector<std::string> row{way.name};
    if (!way.problem.empty())
      continue;
    for (const Figure *figure : shown) {
      row.push_back(to_text(*figure, way));
      if (figure == shown.front()) {
        row.push_back(spread_text(*figure, way));
        row.push_back(ratio_text(ratio_of(*figure, program, way)));
      }
    }
    rows.push_back(std::move(row));
  }
  if (rows.size() > 1)
    text += aligned(rows);
  for (const WayReport &way : program.ways)
    if (!way.problem.empty())
      text += fmt::format("  {} FAILED: {}\n", way.name, way.problem);
  for (const std::string &note : program.notes)
    text += fmt::format("  note: {}\n", note);
  return text;
}

std::string summary_text(const Report &report) {
  std::string text;
  if (report.programs.size() > 1) {
    std::vector<std::vector<std::string>> rows{{"geometric means, of the reference"}};
    const ArrayRef<Figure> shown = figures().take_front(4);
    for (const Figure &figure : shown)
      rows.front().push_back(figure.name);
    const std::vector<std::string> ways = way_names(report);
    for (const std::string &way : ways) {
      rows.push_back({way});
      for (const Figure &figure : shown)
        rows.back().push_back(ratio_text(mean_ratio(figure, report, ways, way)));
    }
    text += aligned(rows);
  }
  for (const Table &table : report.tables) {
    std::vector<std::vector<std::string>> rows{{fmt::format("{}, {}", table.title, table.unit), "median", "quartiles"}};
    for (const TableRow &row : table.rows) {
      const Spread spread = spread_of(row.values);
      rows.push_back({row.name, fmt::format("{:.4g}", spread.median),
                      row.values.size() > 1 ? fmt::format("{:.4g} to {:.4g}", spread.lower, spread.upper) : ""});
    }
    text += aligned(rows);
  }
  return text;
}

} // namespace osr
