#include "osrctl/bench/compare.h"

#include "osrctl/bench/figures.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

#include <cmath>

using namespace llvm;

namespace osr {
namespace {

constexpr StringRef compared[] = {"CPU", "wall", "memory", "code", "instructions"};
constexpr StringRef times[] = {"CPU", "wall"};

bool is_beyond_noise(const Spread &before, const Spread &after, double margin) {
  if (before.median <= 0 || after.median <= 0 || std::abs(std::log(after.median / before.median)) <= std::log1p(margin))
    return false;
  return after.lower > before.upper || after.upper < before.lower;
}

/// Seconds that both runs are divided by; 1 if one of them has none to be divided by.
double divisor_of(const Figure &figure, const ProgramReport &program, const ProgramReport &other) {
  const auto median = [&](const ProgramReport &of) {
    const WayReport *reference =
        of.reference == other.reference && is_contained(times, figure.name) ? of.find_way(program.reference) : nullptr;
    const auto spread = reference ? figure.of(*reference) : std::nullopt;
    return spread ? spread->median : 0;
  };
  return median(program) > 0 && median(other) > 0 ? median(program) : 1;
}

Spread scaled(const Spread &spread, double divisor) {
  return {spread.least / divisor, spread.lower / divisor, spread.median / divisor, spread.upper / divisor,
          spread.most / divisor};
}

void compare_way(const ProgramReport &before, const ProgramReport &after, const WayReport &way, double margin,
                 std::vector<Change> &changes) {
  const WayReport *old = before.find_way(way.name);
  if (!old)
    return;
  for (const Figure &figure : figures()) {
    const auto was = figure.of(*old), is = figure.of(way);
    if (!is_contained(compared, figure.name) || !was || !is)
      continue;
    const double divide_before = divisor_of(figure, before, after), divide_after = divisor_of(figure, after, before);
    const Spread a = scaled(*was, divide_before), b = scaled(*is, divide_after);
    const bool is_relative = divide_before != 1 || divide_after != 1;
    const double unit = is_relative ? 1 : figure.unit_size;
    if (is_beyond_noise(a, b, margin))
      changes.push_back({fmt::format("{}, {}: {}", after.name, way.name, figure.name), a.median / unit, b.median / unit,
                         is_relative ? "of " + after.reference : figure.unit});
  }
}

void compare_tables(const Report &before, const Table &table, double margin, std::vector<Change> &changes) {
  auto old = find_if(before.tables, [&](const Table &each) { return each.title == table.title; });
  if (old == before.tables.end() || old->unit != table.unit)
    return;
  for (const TableRow &row : table.rows) {
    auto was = find_if(old->rows, [&](const TableRow &each) { return each.name == row.name; });
    if (was == old->rows.end())
      continue;
    const Spread a = spread_of(was->values), b = spread_of(row.values);
    if (is_beyond_noise(a, b, margin))
      changes.push_back({fmt::format("{}: {}", table.title, row.name), a.median, b.median, table.unit});
  }
}

} // namespace

std::vector<Change> changes_between(const Report &before, const Report &after, double margin) {
  std::vector<Change> changes;
  for (const ProgramReport &program : after.programs) {
    auto old = find_if(before.programs, [&](const ProgramReport &each) {
      return each.name == program.name && each.arguments == program.arguments;
    });
    if (old != before.programs.end())
      for (const WayReport &way : program.ways)
        compare_way(*old, program, way, margin, changes);
  }
  for (const Table &table : after.tables)
    compare_tables(before, table, margin, changes);
  llvm::sort(changes, [](const Change &a, const Change &b) { return a.after / a.before > b.after / b.before; });
  return changes;
}

std::string text_of(ArrayRef<Change> changes, double margin) {
  std::string text;
  for (const Change &change : changes)
    text += fmt::format("{}: {}: {:.4g} {}, was {:.4g} ({:.2f} of it)\n", change.is_worse() ? "WORSE" : "better",
                        change.what, change.after, change.unit, change.before, change.after / change.before);
  if (changes.empty())
    text = fmt::format("nothing changed by more than {:.0f} % and the spread of the runs\n", margin * 100);
  return text;
}

} // namespace osr
