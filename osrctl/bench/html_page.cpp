#include "osrctl/bench/html_page.h"

#include "osrctl/bench/plots.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *style = R"(
:root{color-scheme:light dark;--back:#fff;--ink:#1d2126;--soft:#667;--grid:#dde1e6;--bad:#b3261e;
--c0:#00875f;--c1:#a4508b;--c2:#666b73;--c3:#9a7b00;--c4:#0072b2;--c5:#d2491a;--c6:#3a8fb7;--c7:#7a4a1e}
@media (prefers-color-scheme:dark){:root{--back:#15181c;--ink:#e4e7eb;--soft:#9aa3ad;--grid:#333a42;--bad:#ff8a80;
--c0:#3ddc97;--c1:#e58fcb;--c2:#aab2bd;--c3:#f0d24a;--c4:#5bb8ff;--c5:#ff8f5c;--c6:#8fd8f5;--c7:#d6a06c}}
body{margin:2rem auto;max-width:60rem;padding:0 1rem;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem}h3{font-size:1rem;margin-bottom:.3rem}
p.soft,figcaption,td.soft{color:var(--soft)}figure{margin:1rem 0}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.87rem}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th:first-child,td:first-child{text-align:left}
.bad{color:var(--bad)}code{font-size:.8rem;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block}svg.mark{display:inline;width:.9rem;height:.9rem;vertical-align:-.1rem;margin-right:.3rem}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}.grid{stroke:var(--grid)}.one{stroke:var(--soft);stroke-width:1.5}
.spread{stroke-width:2;opacity:.6}polyline.curve{fill:none;stroke-width:1.7}.legend span{margin-right:1.1rem;white-space:nowrap}
)";

/// The colour of each way, in plots and where it is named.
std::string way_style() {
  std::string text;
  for (int index = 0; index < 8; ++index)
    text += fmt::format(".way{0}{{fill:var(--c{0});stroke:var(--c{0})}}\n", index);
  return text;
}

std::string cell(StringRef text, StringRef kind = "td") {
  return fmt::format("<{0}>{1}</{0}>", kind.str(), escaped(text));
}

std::string list_of(ArrayRef<std::string> lines, StringRef kind) {
  std::string text = "<ul>\n";
  for (const std::string &line : lines)
    text += fmt::format("<li class=\"{}\">{}</li>\n", kind.str(), escaped(line));
  return text + "</ul>\n";
}

std::string legend(ArrayRef<std::string> ways) {
  std::string text = "<p class=\"legend\">";
  for (const std::string &way : ways)
    text += fmt::format("<span>{}{}</span> ", mark_svg(ways, way), escaped(way));
  return text + "</p>\n";
}

/// What a cell of the table of one program says: the median, what it is of the reference, and the quartiles.
std::string figure_cell(const Figure &figure, const ProgramReport &program, const WayReport &way) {
  const std::string median = to_text(figure, way), spread = spread_text(figure, way);
  const auto ratio = ratio_of(figure, program, way);
  return fmt::format("<td{}>{}{}</td>", spread.empty() ? "" : fmt::format(" title=\"quartiles: {}\"", spread), median,
                     ratio && way.name != program.reference ? fmt::format(" ({:.2f})", *ratio) : "");
}

std::string program_table(const ProgramReport &program, ArrayRef<std::string> ways) {
  std::vector<const Figure *> shown;
  std::string text = "<div class=\"scroll\"><table>\n<tr><th>way</th>";
  for (const Figure &figure : figures())
    if (any_of(program.ways, [&](const WayReport &way) { return figure.of(way).has_value(); })) {
      shown.push_back(&figure);
      text += fmt::format("<th title=\"{}\">{} {}</th>", escaped(figure.explanation), figure.name, figure.unit);
    }
  text += "</tr>\n";
  for (const WayReport &way : program.ways) {
    text += fmt::format("<tr title=\"{}\"><td>{}{}</td>", escaped(way.command), mark_svg(ways, way.name),
                        escaped(way.name));
    if (!way.problem.empty())
      text += fmt::format("<td class=\"bad\" colspan=\"{}\">failed</td>", std::max<std::size_t>(1, shown.size()));
    else
      for (const Figure *figure : shown)
        text += figure_cell(*figure, program, way);
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string program_section(const ProgramReport &program, ArrayRef<std::string> ways) {
  std::string text =
      fmt::format("<h3>{} {}</h3>\n<p class=\"soft\">{}. In brackets: relative to {}.</p>\n", escaped(program.name),
                  escaped(program.arguments), escaped(program.outcome), escaped(program.reference));
  text += program_table(program, ways);
  for (const WayReport &way : program.ways)
    if (!way.problem.empty())
      text += fmt::format("<p class=\"bad\">{}: {}</p>\n", escaped(way.name), escaped(way.problem));
  for (const std::string &note : program.notes)
    text += fmt::format("<p class=\"soft\">{}</p>\n", escaped(note));
  if (std::string plot = throughput_plot(program, ways); !plot.empty())
    text += "<figure>\n" + plot + legend(ways) + "</figure>\n";
  return text;
}

std::string table_section(const Table &table) {
  std::string text =
      fmt::format("<h3>{}</h3>\n<div class=\"scroll\"><table>\n<tr><th></th><th>{}</th><th>quartiles</th></tr>\n",
                  escaped(table.title), escaped(table.unit));
  for (const TableRow &row : table.rows) {
    const Spread spread = spread_of(row.values);
    text += "<tr>" + cell(row.name) + cell(fmt::format("{:.4g}", spread.median)) +
            cell(row.values.size() > 1 ? fmt::format("{:.4g} to {:.4g}", spread.lower, spread.upper) : "") + "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string comparison_section(const Comparison &comparison) {
  std::vector<std::string> worse, better;
  for (const Change &change : comparison.changes)
    (change.is_worse() ? worse : better)
        .push_back(fmt::format("{}: {:.4g} {}, was {:.4g}", change.what, change.after, change.unit, change.before));
  return fmt::format("<h2>Compared with {}</h2>\n<p>{} worse, {} better, by more than {:.0f} % and the spread of the "
                     "runs.</p>\n{}{}",
                     escaped(comparison.file), worse.size(), better.size(), comparison.margin * 100,
                     worse.empty() ? "" : list_of(worse, "bad"), better.empty() ? "" : list_of(better, ""));
}

std::string overview(const Report &report, ArrayRef<std::string> ways) {
  std::string text;
  for (const Figure &figure : figures().take_front(4))
    if (std::string plot = ratio_plot(report, figure, ways); !plot.empty())
      text += fmt::format("<h2>{}</h2>\n{}<figure>\n{}<figcaption>{}. Marks are medians, lines go from quartile to "
                          "quartile; further left is better.</figcaption>\n</figure>\n",
                          escaped(figure.name), legend(ways), plot, escaped(figure.explanation));
  return text;
}

} // namespace

std::string html_page(const Report &report, const std::optional<Comparison> &comparison) {
  const std::vector<std::string> ways = way_names(report);
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"/>\n<title>osrctl "
      "bench</title>\n<style>{}{}</style>\n</head>\n<body>\n"
      "<h1>osrctl bench</h1>\n<p class=\"soft\">{}; {}; {}; {} runs of each, in turns.</p>\n",
      style, way_style(), escaped(report.version), escaped(report.machine), escaped(report.date), report.runs);
  if (const std::vector<std::string> problems = report.problems(); !problems.empty())
    text += fmt::format("<h2 class=\"bad\">{} failed</h2>\n{}", problems.size(), list_of(problems, "bad"));
  if (comparison)
    text += comparison_section(*comparison);
  text += overview(report, ways);
  if (!report.programs.empty())
    text += "<h2>Programs</h2>\n";
  for (const ProgramReport &program : report.programs)
    text += program_section(program, ways);
  if (!report.tables.empty())
    text += "<h2>The runtime's own work</h2>\n";
  for (const Table &table : report.tables)
    text += table_section(table);
  return text + "</body>\n</html>\n";
}

} // namespace osr
