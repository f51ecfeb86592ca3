// osrctl bisect: finds the function and the site whose replacement changes what a program does.
//
// The baseline tier without any replacement is the oracle. Each experiment is one run of `osrctl run` in a process of
// its own, so a crash is an answer like any other.
#include "compiler/base/error.h"
#include "osrctl/child_process.h"
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/load_runtime.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/stress/stress.h"

#include <llvm/ADT/STLExtras.h>

#include <cstdio>

using namespace llvm;

namespace osr {
namespace {

struct BisectOptions {
  std::string tier = "optimized";
  std::string stress;
  std::string stubs = "generated";
  std::string fault;
  std::vector<std::string> libraries;
  std::vector<std::string> program;
  ChildOptions child;
};

class Bisection {
public:
  Bisection(const BisectOptions &options, const std::vector<std::string> &arguments)
      : options_(options), arguments_(arguments) {}

  /// Exit status.
  Expected<int> search(const CanonicalProgram &program);

private:
  Expected<Outcome> experiment(const std::string &tier, const std::string &stress,
                               const std::string &optimize_only = "");
  Expected<bool> differs(const std::string &tier, const std::string &stress, const std::string &optimize_only = "");
  Error find_reference();
  Error search_tier(const CanonicalProgram &program);
  Error search_functions(const CanonicalProgram &program);
  Error search_function(const FunctionInfo &function);
  Error search_sites(const FunctionInfo &function);
  void blame(const std::string &culprit);

  const BisectOptions &options_;
  const std::vector<std::string> &arguments_;
  Outcome reference_, last_;
  unsigned runs_ = 0, culprits_ = 0;
};

Expected<Outcome> Bisection::experiment(const std::string &tier, const std::string &stress,
                                        const std::string &optimize_only) {
  std::vector<std::string> command{"/proc/self/exe", "run",  "--tier",  tier,
                                   "--stress",       stress, "--stubs", options_.stubs};
  for (const std::string &library : options_.libraries)
    command.insert(command.end(), {"--load", library});
  if (!options_.fault.empty())
    command.insert(command.end(), {"--fault", options_.fault});
  if (!optimize_only.empty())
    command.insert(command.end(), {"--optimize-only", optimize_only});
  command.insert(command.end(), options_.program.begin(), options_.program.end());
  command.push_back("--");
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  ++runs_;
  return run_child(command, options_.child);
}

Expected<bool> Bisection::differs(const std::string &tier, const std::string &stress,
                                  const std::string &optimize_only) {
  auto outcome = experiment(tier, stress, optimize_only);
  if (!outcome)
    return outcome.takeError();
  last_ = std::move(*outcome);
  return last_ != reference_;
}

void Bisection::blame(const std::string &culprit) {
  ++culprits_;
  std::printf("culprit: %s: %s\n", culprit.c_str(), to_string(last_).c_str());
}

/// A program that never does the same twice cannot be bisected.
Error Bisection::find_reference() {
  auto outcome = experiment("baseline", "none");
  if (!outcome)
    return outcome.takeError();
  reference_ = std::move(*outcome);
  if (reference_.timed_out)
    return make_error("the program does not end within {} seconds without any replacement; see --timeout",
                      options_.child.seconds);
  std::printf("reference: %s\n", to_string(reference_).c_str());
  auto again = differs("baseline", "none");
  if (!again)
    return again.takeError();
  return *again ? make_error("the program does not do the same in every run ({}), so nothing can be found out",
                             to_string(last_))
                : Error::success();
}

/// The tier itself is wrong: which function's optimised code is to blame?
Error Bisection::search_tier(const CanonicalProgram &program) {
  std::printf("optimised code changes the output without any replacement: %s\n", to_string(last_).c_str());
  for (const FunctionInfo &function : program.functions) {
    auto wrong = differs("optimized", "none", function.name);
    if (!wrong)
      return wrong.takeError();
    if (*wrong)
      blame(fmt::format("optimised code of {}", function.name));
  }
  if (culprits_ == 0)
    std::printf("no function does so alone\n");
  return Error::success();
}

/// Function by function; if none is found, site by site: replacing at one site changes the tier in which the function
/// reaches the next one, so all sites together need not show what one of them does alone.
Error Bisection::search_functions(const CanonicalProgram &program) {
  for (const FunctionInfo &function : program.functions)
    if (any_of(function.sites(), [](const Site &site) { return site.is_replaceable(); }))
      if (Error error = search_function(function))
        return error;
  for (const FunctionInfo &function : program.functions)
    if (culprits_ == 0)
      if (Error error = search_sites(function))
        return error;
  return Error::success();
}

Error Bisection::search_function(const FunctionInfo &function) {
  auto wrong = differs(options_.tier, "at:" + function.name);
  if (!wrong || !*wrong)
    return wrong.takeError();
  unsigned before = culprits_;
  Outcome of_function = last_;
  if (Error error = search_sites(function))
    return error;
  if (culprits_ == before) {
    last_ = std::move(of_function);
    blame(fmt::format("{}, several sites together", function.name));
  }
  return Error::success();
}

Error Bisection::search_sites(const FunctionInfo &function) {
  for (const Site &site : function.sites()) {
    if (!site.is_replaceable())
      continue;
    auto wrong = differs(options_.tier, fmt::format("at:{}#{}", function.name, site.id.index));
    if (!wrong)
      return wrong.takeError();
    if (*wrong)
      blame(fmt::format("{}#{} ({})", function.name, site.id.index,
                        site.callee.empty() ? "indirect call" : "call of " + site.callee));
  }
  return Error::success();
}

Expected<int> Bisection::search(const CanonicalProgram &program) {
  if (Error error = find_reference())
    return error;
  auto wrong = differs(options_.tier, "none");
  if (!wrong)
    return wrong.takeError();
  if (*wrong) {
    if (Error error = search_tier(program))
      return error;
    return exit_failure;
  }
  bool seen = false;
  if (!options_.stress.empty()) {
    wrong = differs(options_.tier, options_.stress);
    if (!wrong)
      return wrong.takeError();
    seen = *wrong;
    std::printf("--stress %s: %s\n", options_.stress.c_str(), seen ? to_string(last_).c_str() : "no change");
  }
  if (options_.stress.empty() || seen)
    if (Error error = search_functions(program))
      return error;
  if (culprits_ == 0)
    std::printf(seen ? "no function or site alone changes the output\n" : "no replacement changes the output\n");
  std::printf("%u runs\n", runs_);
  return culprits_ || seen ? exit_failure : 0;
}

int bisect(const BisectOptions &options, const std::vector<std::string> &arguments) {
  if (!options.stress.empty())
    if (auto mode = StressMode::parse(options.stress); !mode)
      return report_usage(mode.takeError());
  if (!options.fault.empty())
    if (auto fault = Fault::parse(options.fault); !fault)
      return report_usage(fault.takeError());
  LLVMContext context;
  // Linked, though not run, here: runs of a program that cannot start would all be alike.
  auto runtime = load_runtime(context, options.program, options.libraries);
  if (!runtime)
    return report(runtime.takeError());
  if (Error error = check_main((*runtime)->engine().program()))
    return report(std::move(error));
  std::setvbuf(stdout, nullptr, _IOLBF, 0); // each culprit at once
  auto status = Bisection(options, arguments).search((*runtime)->engine().program());
  return status ? *status : report(status.takeError());
}

} // namespace

void add_bisect(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("bisect", "Find the site whose replacement changes what a program does");
  auto options = std::make_shared<BisectOptions>();
  command->add_option("--tier", options->tier, "Tier of the code that calls enter")
      ->check(CLI::IsMember({"baseline", "optimized"}))
      ->capture_default_str();
  command->add_option("--stress", options->stress, "Search only if this mode changes the output (default: always)");
  add_stubs_option(*command, options->stubs);
  add_fault_option(*command, options->fault);
  command->add_option("--input", options->child.input, "The program's stdin in every run")->capture_default_str();
  command->add_option("--timeout", options->child.seconds, "Seconds after which a run counts as hanging")
      ->check(CLI::Range(1u, 100000u))
      ->capture_default_str();
  add_library_option(*command, options->libraries);
  add_program_option(*command, options->program);
  command->footer(
      "Example:\n  osrctl bisect --stress every fib.bc -- 30\nExit status: 0 if nothing changes the output, "
      "1 if something does.");
  command->callback([=, &chosen] {
    chosen = [=](const std::vector<std::string> &arguments) { return bisect(*options, arguments); };
  });
}

} // namespace osr
