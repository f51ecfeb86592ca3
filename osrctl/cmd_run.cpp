// osrctl run: runs a program and, on request, moves its frames between tiers while it runs.
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/select_version.h"
#include "runtime/osr/program_exit.h"
#include "runtime/osr/runtime.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

using namespace llvm;

namespace osr {
namespace {

struct RunOptions {
  std::string tier = "optimized";
  std::string stress = "none";
  std::string stubs = "generated";
  std::string fault;
  std::string statistics_file;
  std::vector<std::string> libraries;
  std::vector<std::string> program;
  std::vector<std::string> optimize_only;
  bool verify_each_pass = false;
  bool compile_ahead = false;
};

/// The process ends inside the program's exit(); the statistics are written from there.
struct StatisticsWriter {
  const Runtime *runtime = nullptr;
  std::string path;

  void write() const {
    if (path.empty() || !runtime)
      return;
    std::ofstream file(path);
    file << runtime->statistics().to_json().dump(2) << '\n';
    if (!file)
      std::fprintf(stderr, "osrctl: cannot write statistics to '%s'\n", path.c_str());
  }
};
StatisticsWriter writer;

/// The runtime checks names too; here the nearest ones can be suggested.
Error check_names(const CanonicalProgram &program, const StressMode &stress, std::vector<std::string> names) {
  if (stress.kind == StressMode::Kind::At)
    names.push_back(stress.function);
  for (const std::string &name : names)
    if (auto function = find_function(program, name); !function)
      return function.takeError();
  return Error::success();
}

int run(const RunOptions &options, const std::vector<std::string> &arguments) {
  auto stress = StressMode::parse(options.stress);
  if (!stress)
    return report_usage(stress.takeError());
  Runtime::Options runtime_options;
  if (!options.fault.empty()) {
    auto fault = Fault::parse(options.fault);
    if (!fault)
      return report_usage(fault.takeError());
    runtime_options.fault = *fault;
  }
  runtime_options.tier = options.tier == "baseline" ? Tier::Baseline : Tier::Optimized;
  runtime_options.sites = options.tier != "plain";
  runtime_options.stress = *stress;
  runtime_options.stubs = options.stubs == "generated" ? StubKind::Generated : StubKind::Interpreted;
  runtime_options.verify_each_pass = options.verify_each_pass;
  runtime_options.compile_ahead = options.compile_ahead;
  runtime_options.libraries = options.libraries;
  runtime_options.optimize_only = options.optimize_only;

  // The program's own exit may run at any time, so these live until the process is gone.
  static LLVMContext context;
  auto program = load_input(context, options.program);
  if (!program)
    return report(program.takeError());
  if (Error error = check_names(*program, *stress, options.optimize_only))
    return report(std::move(error));
  auto runtime = Runtime::create(std::move(*program), std::move(runtime_options));
  if (!runtime)
    return report(runtime.takeError());
  writer = {runtime->release(), options.statistics_file};
  set_exit_observer([] { writer.write(); });
  std::vector<std::string> argv{options.program.front()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto status = const_cast<Runtime *>(writer.runtime)->run_main(argv);
  if (!status)
    return report(status.takeError());
  exit_program(*status);
}

} // namespace

void add_run(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("run", "Run a program; arguments for it follow behind --");
  auto options = std::make_shared<RunOptions>();
  command->add_option("--tier", options->tier, "Tier of the code that calls enter; plain: without any sites")
      ->check(CLI::IsMember({"baseline", "optimized", "plain"}))
      ->capture_default_str();
  command->add_option("--stress", options->stress,
                      "Force transitions: none, every, every:N, all:N, random:SEED, at:FUNCTION, at:FUNCTION#SITE")
      ->capture_default_str();
  command->add_option("--stubs", options->stubs, "How transitions are executed")
      ->check(CLI::IsMember({"generated", "interpreted"}))
      ->capture_default_str();
  command->add_option("--fault", options->fault, "Make one transition wrong: record:N, slot:N, callee-saved:N")
      ->group(""); // not shown: for tests of tests
  command->add_option("--stats", options->statistics_file, "Write counters as JSON to this file");
  command->add_option("--load", options->libraries, "Load a shared library first (may be repeated)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--optimize-only", options->optimize_only,
                      "Calls enter optimised code of these functions only (comma-separated)")
      ->delimiter(',');
  command->add_flag("--verify", options->verify_each_pass, "Check all frame states after each optimisation pass");
  command->add_flag("--compile-ahead", options->compile_ahead, "Compile every function before the program starts");
  command->add_option("program", options->program, "Bitcode or text IR; several modules are linked")->required();
  command->footer("Example:\n  osrctl run --stress every --stats counters.json fib.bc -- 30");
  command->callback([=, &chosen] {
    chosen = [=](const std::vector<std::string> &arguments) { return run(*options, arguments); };
  });
}

} // namespace osr
