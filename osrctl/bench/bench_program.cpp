#include "osrctl/bench/bench_program.h"

#include "compiler/base/error.h"

#include <fmt/ranges.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sys/wait.h>

using Json = nlohmann::json; // LLVM's passes have a namespace json
using namespace llvm;

namespace osr {
namespace {

/// A folder of the process's own.
class WorkFolder {
public:
  static Expected<WorkFolder> make() {
    SmallString<128> path;
    if (std::error_code error = sys::fs::createUniqueDirectory("osrctl-bench", path))
      return make_error("cannot make a folder for native code: {}", error.message());
    return WorkFolder(std::string(path));
  }
  WorkFolder(WorkFolder &&other) noexcept : path_(std::exchange(other.path_, {})) {}
  ~WorkFolder() {
    if (!path_.empty())
      (void)sys::fs::remove_directories(path_);
  }
  std::string file(const char *name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string last_line(StringRef text) {
  return text.rtrim().rsplit('\n').second.empty() ? text.rtrim().str() : text.rtrim().rsplit('\n').second.str();
}

class ProgramBench {
public:
  ProgramBench(const BenchProgram &program, const BenchOptions &options, const WorkFolder &folder,
               PreparedProgram prepared)
      : options_(options), folder_(folder), prepared_(std::move(prepared)) {
    report_.name = program.name;
    report_.arguments = fmt::to_string(fmt::join(program.arguments, " "));
    report_.notes = prepared_.notes;
  }

  Expected<ProgramReport> measure();

private:
  std::optional<MeasuredRun> run(std::size_t way, const Command &command, WatchMemory watch);
  void try_each();
  void read_statistics(WayReport &report);
  void compare_with_reference();
  std::string difference(const Outcome &outcome, StringRef errors) const;
  void run_in_turns();
  void run_once_more(std::size_t way, unsigned round);
  void count_instructions(std::size_t way);

  const BenchOptions &options_;
  const WorkFolder &folder_;
  PreparedProgram prepared_;
  ProgramReport report_;
  std::vector<std::optional<MeasuredRun>> first_; ///< by way
  std::optional<std::size_t> reference_;
  bool is_repeatable_ = true; ///< the reference prints the same in each run
};

/// Nothing if it cannot be started, which the report says then.
std::optional<MeasuredRun> ProgramBench::run(std::size_t way, const Command &command, WatchMemory watch) {
  auto result = measure_run(command, options_.limits, watch);
  if (result)
    return std::move(*result);
  report_.ways[way].problem = toString(result.takeError());
  return std::nullopt;
}

void ProgramBench::try_each() {
  for (auto [index, way] : enumerate(prepared_.ways)) {
    WayReport &report = report_.ways.emplace_back();
    report.name = way.name;
    report.command = to_string(way.command);
    report.problem = way.problem;
    report.code_bytes = way.code_bytes;
    first_.emplace_back();
    if (!report.problem.empty())
      continue;
    first_.back() = run(index, with_statistics(way, folder_.file("statistics.json")), WatchMemory::Yes);
    if (!first_.back())
      continue;
    report.memory_bytes = first_.back()->memory_bytes;
    if (way.has_statistics)
      read_statistics(report);
    if (first_.back()->outcome.timed_out)
      report.problem = fmt::format("no end within {} seconds (--timeout)", options_.limits.seconds);
    else if (!reference_)
      reference_ = index;
  }
}

/// There are none when the program ended by a signal or by itself.
void ProgramBench::read_statistics(WayReport &report) {
  const std::string path = folder_.file("statistics.json");
  auto text = MemoryBuffer::getFile(path);
  (void)sys::fs::remove(path);
  const Json read = text ? Json::parse((*text)->getBufferStart(), (*text)->getBufferEnd(), nullptr, false) : Json();
  if (!read.is_object())
    return;
  for (const Json &tier : read.value("compile", Json::object())) {
    report.code_bytes += tier.value("code_bytes", std::uint64_t(0));
    report.map_bytes += tier.value("map_bytes_compact", std::uint64_t(0));
  }
  const Json requests = read.value("requests", Json::object());
  report.stops = requests.value("stops", std::uint64_t(0));
  report.longest_pause_seconds = requests.value("longest_pause_seconds", 0.0);
}

/// What is different about it; empty: nothing.
std::string ProgramBench::difference(const Outcome &outcome, StringRef errors) const {
  const Outcome &expected = first_[*reference_]->outcome;
  const std::string &name = report_.ways[*reference_].name;
  if (outcome.timed_out)
    return fmt::format("no end within {} seconds (--timeout)", options_.limits.seconds);
  if (outcome.status != expected.status)
    return fmt::format("{}; {}: {}{}", to_string(outcome), name, to_string(expected),
                       errors.trim().empty() ? "" : "; it says: " + last_line(errors));
  if (outcome.output == expected.output || !is_repeatable_)
    return "";
  const auto [ours, theirs] =
      std::mismatch(outcome.output.begin(), outcome.output.end(), expected.output.begin(), expected.output.end());
  return fmt::format("prints something else than {}, from line {} on: {}; {}: {}", name,
                     1 + std::count(outcome.output.begin(), ours, '\n'), to_string(outcome), name, to_string(expected));
}

void ProgramBench::compare_with_reference() {
  const bool differs = any_of(first_, [&](const auto &run) {
    return run && !run->outcome.timed_out && run->outcome != first_[*reference_]->outcome;
  });
  if (differs) // is it the program that never prints the same twice?
    if (auto again = run(*reference_, prepared_.ways[*reference_].command, WatchMemory::No))
      is_repeatable_ = again->outcome.output == first_[*reference_]->outcome.output;
  if (!is_repeatable_)
    report_.notes.push_back(fmt::format("{} does not print the same in each run: only how it ends was compared",
                                        report_.ways[*reference_].name));
  for (auto [index, way] : enumerate(report_.ways))
    if (way.problem.empty())
      way.problem = difference(first_[index]->outcome, first_[index]->errors);
}

void ProgramBench::run_once_more(std::size_t way, unsigned round) {
  WayReport &report = report_.ways[way];
  auto measured = run(way, prepared_.ways[way].command, WatchMemory::No);
  if (!measured)
    return;
  if (std::string problem = difference(measured->outcome, measured->errors); !problem.empty()) {
    report.problem = fmt::format("run {}: {}", round + 2, problem); // the first was before all rounds
    return;
  }
  report.cpu_seconds.push_back(measured->cpu_seconds);
  report.wall_seconds.push_back(measured->wall_seconds);
  if (measured->first_output_seconds)
    report.first_output_seconds.push_back(*measured->first_output_seconds);
  report.lines = std::move(measured->lines);
}

void ProgramBench::run_in_turns() {
  const std::size_t count = report_.ways.size();
  for (unsigned round = 0; round < options_.runs; ++round)
    for (std::size_t turn = 0; turn < count; ++turn)
      if (std::size_t way = (round + turn) % count; report_.ways[way].problem.empty())
        run_once_more(way, round);
}

/// Of the whole process. The program takes some fifty times as long.
void ProgramBench::count_instructions(std::size_t way) {
  constexpr unsigned slower = 100;
  WayReport &report = report_.ways[way];
  Command command{"/usr/bin/env", {"env", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"}};
  command.argv.push_back(prepared_.ways[way].command.file);
  append_range(command.argv, drop_begin(prepared_.ways[way].command.argv));
  RunLimits limits = options_.limits;
  limits.seconds *= slower;
  auto measured = measure_run(command, limits, WatchMemory::No);
  StringRef said = measured ? StringRef(measured->errors).rsplit("Collected : ").second : "";
  if (!measured)
    consumeError(measured.takeError());
  if (said.ltrim().consumeInteger(10, report.instructions))
    report_.notes.push_back(fmt::format("instructions of {} were not counted: valgrind {}", report.name,
                                        measured ? "says '" + last_line(measured->errors) + "'" : "cannot be started"));
}

Expected<ProgramReport> ProgramBench::measure() {
  try_each();
  if (reference_) {
    report_.reference = report_.ways[*reference_].name;
    report_.outcome = to_string(first_[*reference_]->outcome);
    compare_with_reference();
    run_in_turns();
  }
  for (auto [index, way] : enumerate(report_.ways))
    if (!way.problem.empty())
      way.cpu_seconds = way.wall_seconds = way.first_output_seconds = {};
    else if (options_.count_instructions)
      count_instructions(index);
  return std::move(report_);
}

} // namespace

Expected<ProgramReport> bench_program(const BenchProgram &program, const BenchOptions &options) {
  auto folder = WorkFolder::make();
  if (!folder)
    return folder.takeError();
  auto prepared = prepare(program, options.ways, folder->path());
  if (!prepared)
    return prepared.takeError();
  return ProgramBench(program, options, *folder, std::move(*prepared)).measure();
}

} // namespace osr
