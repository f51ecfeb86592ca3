// osrctl bench: what a program takes in each tier and with each option, natively and by lli.
#include "compiler/base/error.h"
#include "osr/version.h"
#include "osrctl/attach_words.h"
#include "osrctl/bench/bench_program.h"
#include "osrctl/bench/html_page.h"
#include "osrctl/bench/text_table.h"
#include "osrctl/commands.h"
#include "osrctl/load_input.h"

#include <fmt/chrono.h>
#include <fmt/ranges.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Path.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

using namespace llvm;

namespace osr {
namespace {

struct BenchRequest {
  BenchOptions bench;
  std::vector<std::string> program;
  std::string programs_file, from, against, json_file, html_file, name, link;
  std::vector<std::string> with;
  double margin = 5;
};

/// "NAME: MODULE... [-- ARGUMENT...]", one a line; empty lines and those that begin with # are skipped.
Expected<std::vector<BenchProgram>> read_programs(const std::string &path) {
  auto text = MemoryBuffer::getFile(path);
  if (!text)
    return make_error("cannot read '{}': {}", path, text.getError().message());
  std::vector<BenchProgram> result;
  SmallVector<StringRef> lines;
  (*text)->getBuffer().split(lines, '\n');
  for (auto [number, line] : enumerate(lines)) {
    if (line.trim().empty() || line.trim().starts_with("#"))
      continue;
    auto [name, words] = line.split(':');
    BenchProgram program{.name = name.trim().str(), .modules = split_words(words), .arguments = {}};
    auto separator = find(program.modules, "--");
    if (separator != program.modules.end()) {
      program.arguments.assign(separator + 1, program.modules.end());
      program.modules.erase(separator, program.modules.end());
    }
    if (program.name.empty() || program.modules.empty())
      return make_error("{}:{}: has to be NAME: MODULE... [-- ARGUMENT...]", path, number + 1);
    result.push_back(std::move(program));
  }
  return result;
}

Expected<std::vector<BenchProgram>> programs_of(const BenchRequest &request,
                                                const std::vector<std::string> &arguments) {
  std::vector<BenchProgram> result;
  if (!request.programs_file.empty()) {
    auto read = read_programs(request.programs_file);
    if (!read)
      return read.takeError();
    result = std::move(*read);
  }
  if (!request.program.empty())
    result.push_back({request.name.empty() ? sys::path::stem(request.program.front()).str() : request.name,
                      request.program, arguments});
  if (result.empty())
    return make_error("there is no program: name its modules, or a file of programs (--programs)");
  return result;
}

std::string machine_text() {
  std::string model = sys::getHostCPUName().str();
  if (auto text = MemoryBuffer::getFileAsStream("/proc/cpuinfo"))
    model = (*text)->getBuffer().split("model name").second.split('\n').first.ltrim(": \t").str();
  utsname system{};
  uname(&system);
  return fmt::format("{}, {} cores, {} {}", model, sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.release);
}

/// What is printed as soon as it is known: later programs may take long.
void say(const std::string &text) {
  print(text);
  std::fflush(stdout);
}

Expected<Report> run_all(const BenchRequest &request, const std::vector<BenchProgram> &programs) {
  Report report;
  report.version = fmt::format("osrctl {}, LLVM {}", OSR_VERSION, LLVM_VERSION_STRING);
  report.date = fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::time(nullptr)));
  report.machine = machine_text();
  report.runs = request.bench.runs;
  for (const BenchProgram &program : programs) {
    auto measured = bench_program(program, request.bench);
    if (!measured && programs.size() == 1)
      return measured.takeError();
    if (!measured) { // the others can still be measured
      ProgramReport failed;
      failed.name = program.name;
      failed.ways.emplace_back();
      failed.ways.front().name = "all ways";
      failed.ways.front().problem = toString(measured.takeError());
      measured = std::move(failed);
    }
    say(text_of(*measured));
    report.programs.push_back(std::move(*measured));
  }
  return report;
}

Error write_file(const std::string &path, const std::string &text) {
  std::error_code error;
  raw_fd_ostream file(path, error);
  if (!error) {
    file << text;
    file.close();
    error = file.error();
    file.clear_error(); // else LLVM ends the process
  }
  return error ? make_error("cannot write '{}': {}", path, error.message()) : Error::success();
}

/// Exit status: that of failed ways. What became worse is said, and is no failure: only the reader knows what was wanted.
Expected<int> finish(const BenchRequest &request, const Report &report) {
  say(summary_text(report));
  std::optional<Comparison> comparison;
  if (!request.against.empty()) {
    auto before = Report::read(request.against);
    if (!before)
      return before.takeError();
    const double margin = request.margin / 100;
    comparison = Comparison{request.against, margin, changes_between(*before, report, margin)};
    say(text_of(comparison->changes, margin));
  }
  if (!request.json_file.empty())
    if (Error error = write_file(request.json_file, report.to_json()))
      return error;
  if (!request.html_file.empty())
    if (Error error = write_file(request.html_file, html_page(report, comparison)))
      return error;
  const std::vector<std::string> problems = report.problems();
  for (const std::string &problem : problems)
    std::fprintf(stderr, "osrctl: FAILED: %s\n", problem.c_str());
  return problems.empty() ? 0 : exit_failure;
}

/// Words of the command line that only make sense together.
Error complete(BenchRequest &request) {
  WaysOptions &ways = request.bench.ways;
  for (const std::string &text : request.with) {
    auto own = parse_own_way(text, ways);
    if (!own)
      return own.takeError();
    ways.own.push_back(std::move(*own));
  }
  for (const std::string &name : ways.names)
    if (!is_contained(usual_ways(), name))
      return make_error("--ways: there is no way '{}'; there are {}", name, fmt::join(usual_ways(), ", "));
  ways.native.link_with = split_words(request.link);
  const bool has_program = !request.program.empty() || !request.programs_file.empty();
  if (!request.from.empty() && has_program)
    return make_error("--from shows a stored result: leave out the program, or --from");
  return Error::success();
}

int bench(BenchRequest request, const std::vector<std::string> &arguments) {
  if (Error error = complete(request))
    return report_usage(std::move(error));
  Expected<Report> report = Report();
  if (!request.from.empty()) {
    report = Report::read(request.from);
  } else {
    auto programs = programs_of(request, arguments);
    if (!programs)
      return report_usage(programs.takeError());
    report = run_all(request, *programs);
  }
  if (!report)
    return osr::report(report.takeError());
  if (!request.from.empty())
    for (const ProgramReport &program : report->programs)
      say(text_of(program));
  auto status = finish(request, *report);
  return status ? *status : osr::report(status.takeError());
}

void add_run_options(CLI::App &command, BenchRequest &request) {
  BenchOptions &bench = request.bench;
  command.add_option("--runs", bench.runs, "Runs of each way that count; medians and quartiles are of these")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  command
      .add_option("--ways", bench.ways.names,
                  "Which of native, lli, plain, baseline, optimized, auto, comma-separated; the first that ends is the "
                  "reference")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command
      .add_option("--with", request.with,
                  "'NAME=OPTIONS': a way of its own, osrctl run with these options (may be repeated)")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_flag("--count", bench.count_instructions, "Count instructions too, by callgrind, in a run for each way");
  command.add_option("--input", bench.limits.input, "The program's stdin in every run")->capture_default_str();
  command.add_option("--timeout", bench.limits.seconds, "Seconds after which a run counts as hanging")
      ->check(CLI::Range(1u, 100000u))
      ->capture_default_str();
  command.add_flag("--terminal", bench.limits.terminal,
                   "The program's stdout is a terminal, to which it writes line by line: shows throughput over time");
  add_library_option(command, bench.ways.libraries);
  command.get_option("--load")->allow_extra_args(false);
  command.add_option("--link", request.link, "Flags to link native code with, as in --link '-lz'");
  command.add_option("--clang", bench.ways.native.clang, "Makes native code, at -O2")->capture_default_str();
  command.add_option("--lli", bench.ways.lli, "LLVM's own JIT")->capture_default_str();
}

} // namespace

void add_bench(CLI::App &app, Action &chosen) {
  auto *command =
      app.add_subcommand("bench", "Compare tiers, options, native code and lli; arguments follow behind --");
  auto request = std::make_shared<BenchRequest>();
  WaysOptions &ways = request->bench.ways;
  ways.names = {"native", "lli", "baseline", "optimized", "auto"};
  ways.lli = fmt::format("lli-{}", LLVM_VERSION_MAJOR);
  ways.native.clang = fmt::format("clang-{}", LLVM_VERSION_MAJOR);
  add_run_options(*command, *request);
  command->add_option("--name", request->name, "What the program is called in the result (default: its file's name)");
  command->add_option("--programs", request->programs_file,
                      "More programs, one a line of this file: NAME: MODULE... [-- ARGUMENT...]");
  command->add_option("--json", request->json_file, "Write all figures to this file");
  command->add_option("--html", request->html_file, "Write a page with plots to this file");
  command->add_option("--from", request->from, "Run nothing: show what --json wrote");
  command->add_option("--against", request->against, "Say what is worse or better than what --json wrote to this file");
  command->add_option("--margin", request->margin, "Percent that a change has to exceed to be named")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->add_option("program", request->program, "Bitcode or text IR; several modules are linked")->type_name("FILE");
  command->footer("Example:\n  osrctl bench --with 'slot=--calls slot' --html fib.html fib.bc -- 30\n"
                  "Exit status: 1 if a way failed or did something else than the reference.");
  command->callback(
      [=, &chosen] { chosen = [=](const std::vector<std::string> &arguments) { return bench(*request, arguments); }; });
}

} // namespace osr
