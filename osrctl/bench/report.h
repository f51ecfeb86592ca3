// What a benchmark found out, as it is stored: tables, pages and comparisons are made of this alone.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace osr {

/// One way to run a program. Seconds are one value a run; what is 0 is not known.
struct WayReport {
  std::string name, command;
  std::string problem; ///< why there are no figures; empty: it did what the reference did
  std::vector<double> cpu_seconds, wall_seconds, first_output_seconds;
  std::uint64_t memory_bytes = 0, code_bytes = 0, map_bytes = 0, instructions = 0;
  std::uint64_t stops = 0;          ///< of all threads
  double longest_pause_seconds = 0; ///< of these
  std::vector<std::pair<double, std::uint64_t>> lines; ///< of one run: seconds since its start, lines until then
};

struct ProgramReport {
  std::string name, arguments;
  std::string reference;          ///< the way that the others are compared with
  std::string outcome;            ///< what that one did
  std::vector<std::string> notes; ///< ways that were left out, and why
  std::vector<WayReport> ways;

  const WayReport *find_way(llvm::StringRef way) const;
};

/// Figures of another benchmark. Less is better.
struct TableRow {
  std::string name;
  std::vector<double> values; ///< repetitions
};
struct Table {
  std::string title, unit;
  std::vector<TableRow> rows;
};

struct Report {
  std::string version, date, machine;
  unsigned runs = 0;
  std::vector<ProgramReport> programs;
  std::vector<Table> tables;

  /// "program, way: what was wrong", one each.
  std::vector<std::string> problems() const;

  /// With `summary` (median, quartiles, extremes) beside each list of values, for other readers.
  std::string to_json() const;
  static llvm::Expected<Report> read(const std::string &path);
};

/// Of repetitions: how they are spread.
struct Spread {
  double least = 0, lower = 0, median = 0, upper = 0, most = 0;
};
/// All 0 without values.
Spread spread_of(llvm::ArrayRef<double> values);

double geometric_mean(llvm::ArrayRef<double> values);

} // namespace osr
