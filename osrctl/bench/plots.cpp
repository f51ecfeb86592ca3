#include "osrctl/bench/plots.h"

#include "osrctl/bench/axis.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

constexpr double width = 900, left = 190, right = 880;

std::string label(double x, double y, const char *anchor, StringRef text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text));
}

std::string straight(const char *kind, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kind, x1, y1, x2,
                     y2);
}

std::string plot(double height, StringRef name, const std::string &content) {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n", width, height,
                     escaped(name), content);
}

/// Ways are told apart by shape as well as by colour.
std::string mark(std::size_t index, const std::string &way_class, double x, double y, StringRef title) {
  constexpr const char *paths[] = {"M-4,0A4,4 0 1 0 4,0A4,4 0 1 0 -4,0z",
                                   "M-3.5,-3.5H3.5V3.5H-3.5z",
                                   "M0,-5L5,0L0,5L-5,0z",
                                   "M0,-5L4.5,3.5H-4.5z",
                                   "M0,5L4.5,-3.5H-4.5z",
                                   "M-4.5,-1.5H-1.5V-4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5z"};
  return fmt::format("<path class=\"{}\" d=\"{}\" transform=\"translate({:.1f} {:.1f})\"><title>{}</title></path>\n",
                     way_class, paths[index % std::size(paths)], x, y, escaped(title));
}

std::size_t index_of(ArrayRef<std::string> ways, StringRef way) { return std::size_t(find(ways, way) - ways.begin()); }

/// One way of a program, divided by the program's reference.
struct Dot {
  std::size_t way;
  double lower, median, upper;
};
struct DotRow {
  std::string name;
  std::vector<Dot> dots;
};

std::vector<DotRow> rows_of(const Report &report, const Figure &figure, ArrayRef<std::string> ways) {
  std::vector<DotRow> rows;
  for (const ProgramReport &program : report.programs) {
    DotRow row{program.name, {}};
    const WayReport *reference = program.find_way(program.reference);
    for (const WayReport &way : program.ways)
      if (auto ratio = ratio_of(figure, program, way)) {
        const double divisor = figure.of(*reference)->median;
        const Spread spread = *figure.of(way);
        row.dots.push_back({index_of(ways, way.name), spread.lower / divisor, *ratio, spread.upper / divisor});
      }
    if (row.dots.size() > 1)
      rows.push_back(std::move(row));
  }
  if (rows.size() < 2)
    return rows;
  DotRow mean{"geometric mean", {}};
  for (auto [index, way] : enumerate(ways))
    if (auto ratio = mean_ratio(figure, report, ways, way))
      mean.dots.push_back({index, *ratio, *ratio, *ratio});
  rows.push_back(std::move(mean));
  return rows;
}

/// The grid and its numbers, below which the axis says what they are.
std::string horizontal_axis(const Axis &axis, double top, double bottom, StringRef name) {
  std::string text;
  for (double tick : axis.ticks()) {
    text += straight("grid", axis.place(tick), top, axis.place(tick), bottom);
    text += label(axis.place(tick), bottom + 16, "middle", tick_text(tick));
  }
  return text + label((left + right) / 2, bottom + 34, "middle", name);
}

/// Lines written in equal parts of the time until `end`, a second.
std::vector<std::pair<double, double>> rates(ArrayRef<std::pair<double, std::uint64_t>> lines, double end) {
  constexpr int windows = 80;
  std::vector<double> counts(windows, 0);
  std::uint64_t before = 0;
  for (const auto &[second, count] : lines) {
    counts[std::size_t(std::clamp(int(second / end * windows), 0, windows - 1))] += double(count - before);
    before = count;
  }
  std::vector<std::pair<double, double>> result;
  const double window = end / windows, last = lines.empty() ? 0 : lines.back().first;
  for (int index = 0; index < windows && index * window <= last; ++index)
    result.emplace_back((index + 0.5) * window, counts[std::size_t(index)] / window);
  return result;
}

} // namespace

std::string escaped(StringRef text) {
  std::string result;
  raw_string_ostream stream(result);
  printHTMLEscaped(text, stream);
  return result;
}

std::string class_of(ArrayRef<std::string> ways, StringRef way) {
  constexpr std::size_t classes = 8;
  return fmt::format("way{}", index_of(ways, way) % classes);
}

std::string mark_svg(ArrayRef<std::string> ways, StringRef way) {
  return "<svg class=\"mark\" viewBox=\"-7 -7 14 14\">" + mark(index_of(ways, way), class_of(ways, way), 0, 0, way) +
         "</svg>";
}

std::string ratio_plot(const Report &report, const Figure &figure, ArrayRef<std::string> ways) {
  const std::vector<DotRow> rows = rows_of(report, figure, ways);
  if (rows.empty())
    return "";
  double low = 0.9, high = 1.1;
  for (const DotRow &row : rows)
    for (const Dot &dot : row.dots) {
      low = std::min(low, dot.lower * 0.95);
      high = std::max(high, dot.upper * 1.05);
    }
  const double top = 8, line = 9, row_height = line * double(ways.size()) + 10;
  const double bottom = top + row_height * double(rows.size());
  const Axis axis(Scale::Logarithmic, low, high, left, right);
  std::string text = horizontal_axis(axis, top, bottom, fmt::format("{}, relative to the reference (1)", figure.name));
  text += straight("one", axis.place(1), top, axis.place(1), bottom);
  for (auto [index, row] : enumerate(rows)) {
    const double begin = top + row_height * double(index);
    text += straight("grid", 0, begin, right, begin);
    text += label(left - 10, begin + row_height / 2 + 4, "end", row.name);
    for (const Dot &dot : row.dots) {
      const double y = begin + 5 + line * (double(dot.way) + 0.5);
      const std::string way_class = class_of(ways, ways[dot.way]);
      text += straight((way_class + " spread").c_str(), axis.place(dot.lower), y, axis.place(dot.upper), y);
      text += mark(
          dot.way, way_class, axis.place(dot.median), y,
          fmt::format("{}, {}: {:.3f} ({:.3f} to {:.3f})", row.name, ways[dot.way], dot.median, dot.lower, dot.upper));
    }
  }
  return plot(bottom + 42, fmt::format("{} of each program", figure.name), text);
}

std::string throughput_plot(const ProgramReport &program, ArrayRef<std::string> ways) {
  constexpr std::size_t fewest = 20;
  std::vector<const WayReport *> shown;
  double end = 0, most = 0;
  for (const WayReport &way : program.ways)
    if (way.problem.empty() && way.lines.size() >= fewest) {
      shown.push_back(&way);
      end = std::max(end, way.lines.back().first);
    }
  for (const WayReport *way : shown)
    for (const auto &[second, rate] : rates(way->lines, end))
      most = std::max(most, rate);
  if (most <= 0)
    return "";
  const double top = 24, bottom = 244, from = 80;
  const Axis across(Scale::Linear, 0, end, from, right), up(Scale::Linear, 0, most, bottom, top);
  std::string text = horizontal_axis(across, top, bottom, "seconds since the process was started");
  text += label(from, top - 9, "start", "lines of output a second");
  for (double tick : up.ticks()) {
    text += straight("grid", from, up.place(tick), right, up.place(tick));
    text += label(from - 8, up.place(tick) + 4, "end", tick_text(tick));
  }
  for (const WayReport *way : shown) {
    std::string points;
    for (const auto &[second, rate] : rates(way->lines, end))
      points += fmt::format("{:.1f},{:.1f} ", across.place(second), up.place(rate));
    text += fmt::format("<polyline class=\"{} curve\" points=\"{}\"><title>{}</title></polyline>\n",
                        class_of(ways, way->name), points, escaped(way->name));
  }
  return plot(bottom + 42, program.name + ": lines of output a second", text);
}

} // namespace osr
