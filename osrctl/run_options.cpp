#include "osrctl/run_options.h"

#include "compiler/base/error.h"
#include "osrctl/choices.h"
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/select_version.h"

#include <llvm/Support/Path.h>

#include <cstdlib>

using namespace llvm;

namespace osr {
namespace {

/// What calls enter.
struct TierChoice {
  Tier tier = Tier::Optimized;
  bool has_policy = false;
  bool has_sites = true;
};
constexpr Choice<TierChoice> tier_choices[] = {{"auto", {.has_policy = true}},
                                               {"baseline", {.tier = Tier::Baseline}},
                                               {"optimized", {}},
                                               {"plain", {.has_sites = false}}};
constexpr Choice<CallKind> call_kinds[] = {{"slot", CallKind::Slot}, {"direct", CallKind::Direct}};
constexpr Choice<Mechanism> mechanisms[] = {{"return-pc", Mechanism::ReturnPc},
                                            {"return-point", Mechanism::ReturnPoint}};

using Policy = std::shared_ptr<const TierPolicy>;

Policy budget_policy(const RunOptions &options) {
  return std::make_shared<BudgetPolicy>(options.tier_threshold.value_or(BudgetPolicy::usual_budget));
}

Policy counting_policy(const RunOptions &options) {
  return std::make_shared<CountingPolicy>(options.tier_threshold.value_or(CountingPolicy::usual_threshold));
}

Policy sampling_policy(const RunOptions &options) {
  return std::make_shared<SamplingPolicy>(
      std::chrono::microseconds(options.sampling_microseconds),
      std::uint32_t(options.tier_threshold.value_or(SamplingPolicy::usual_threshold)));
}

constexpr Choice<Policy (*)(const RunOptions &)> policies[] = {
    {"budget", budget_policy}, {"counters", counting_policy}, {"sampling", sampling_policy}};

TierUpOptions tier_up_options_of(const RunOptions &options) {
  TierUpOptions result;
  result.compile_threads = options.compile_threads;
  result.queue_capacity = options.compile_queue;
  result.policy = meaning_of(options.tier_policy, policies)(options);
  return result;
}

/// The environment speaks for programs whose command line somebody else writes.
Expected<std::optional<ControlOptions>> control_options_of(const RunOptions &options) {
  const char *variable = std::getenv("OSR_CONTROL");
  const StringRef wanted = variable ? variable : "1";
  if (wanted != "0" && wanted != "1" && wanted != "read-only")
    return make_error("OSR_CONTROL is '{}', and has to be 0, 1 or read-only", wanted.str());
  if (options.no_control || (wanted == "0" && !options.control))
    return std::nullopt;
  ControlOptions result;
  result.program = sys::path::filename(options.program.front());
  result.read_only = options.control_read_only || wanted == "read-only";
  result.required = options.control;
  return result;
}

/// They mean something with --tier auto.
void add_tier_up_options(CLI::App &command, RunOptions &options) {
  command
      .add_option(
          "--tier-policy", options.tier_policy,
          "How hot functions are noticed: baseline code counts the instructions that it executes, or its entries and "
          "rounds of loops, or the stacks are looked at")
      ->check(one_of(policies))
      ->capture_default_str();
  command
      .add_option(
          "--tier-threshold", options.tier_threshold,
          fmt::format("What makes a function hot: instructions executed for each that it has, or entries and rounds, "
                      "or looks (default: {}, {} or {})",
                      BudgetPolicy::usual_budget, CountingPolicy::usual_threshold, SamplingPolicy::usual_threshold))
      ->check(CLI::Range(1, 1 << 30));
  command.add_option("--sampling-period", options.sampling_microseconds, "Microseconds between looks at the stacks")
      ->check(CLI::Range(100, 10'000'000))
      ->capture_default_str();
  command
      .add_option("--compile-threads", options.compile_threads,
                  "Threads that optimise; 0: the thread that makes a function hot, at once, the same in each run")
      ->check(CLI::Range(0, 16))
      ->capture_default_str();
  command.add_option("--compile-queue", options.compile_queue, "Hot functions that may wait for such a thread")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
}

void add_mechanism_options(CLI::App &command, RunOptions &options) {
  add_stubs_option(command, options.stubs);
  command
      .add_option(
          "--calls", options.calls,
          "How code calls functions: through a slot for each, or directly, all sites rewritten when code changes")
      ->check(one_of(call_kinds))
      ->capture_default_str();
  command
      .add_option("--rewrite", options.rewrite,
                  "How frames are sent to their stubs: by their return PCs, or by the code there (always so under a "
                  "shadow stack)")
      ->check(one_of(mechanisms))
      ->capture_default_str();
  add_fault_option(command, options.fault);
}

void add_file_options(CLI::App &command, RunOptions &options) {
  command.add_option("--stats", options.statistics_file, "Write counters as JSON to this file");
  command.add_option(
      "--compile-cache", options.compile_cache_file,
      "Take what LLVM has made before from this file, and write what it makes now to it, for the next run");
  command.add_option("--trace", options.trace_file,
                     "Write what the runtime does as a timeline to this file, for Perfetto or chrome://tracing");
  command.add_flag("--perf-dump", options.perf_dump, "Dump compiled code for perf, which 'perf inject --jit' reads");
  command.add_flag("--debug-info", options.debug_info,
                   "gdb shows variables, of programs that were compiled with -g ('osrctl attach' does it later)");
  add_library_option(command, options.libraries);
  command
      .add_option("--optimize-only", options.optimize_only,
                  "Calls enter optimised code of these functions only (comma-separated)")
      ->delimiter(',');
}

/// What code is made, and when.
void add_code_options(CLI::App &command, RunOptions &options) {
  command.add_flag("--verify", options.verify_each_pass, "Check all frame states after each optimisation pass");
  command.add_flag("--compile-ahead", options.compile_ahead, "Compile every function before the program starts");
  command.add_flag("--loop-sites,!--no-loop-sites", options.loop_sites,
                   "Loops without calls poll, so that they can be left (default: they do)");
  command.add_flag("--assumptions,!--no-assumptions", options.assume_guards,
                   "Optimised code rests on guards and ends where they fail (default: it does)");
  command.add_flag("--speculate,!--no-speculate", options.speculate,
                   "Baseline code counts, and optimised code is made for what always happened (default: it is not)");
  command
      .add_option("--speculate-after", options.speculate_after,
                  "Executions in baseline code that say what always happens")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  command.add_flag("--count-residence", options.count_residence,
                   "Versions count their activations, to show what that costs");
}

void add_control_options(CLI::App &command, RunOptions &options) {
  auto *control = command.add_flag("--control", options.control,
                                   "There has to be a socket for 'osrctl attach' (default: if there can be one)");
  command.add_flag("--no-control", options.no_control, "There is none")->excludes(control);
  command.add_flag("--control-read-only", options.control_read_only, "Who attaches may look, and change nothing");
}

} // namespace

Expected<Runtime::Options> runtime_options_of(const RunOptions &options) {
  Runtime::Options runtime_options;
  auto stress = StressMode::parse(options.stress);
  if (!stress)
    return stress.takeError();
  runtime_options.stress = *stress;
  if (!options.fault.empty()) {
    auto fault = Fault::parse(options.fault);
    if (!fault)
      return fault.takeError();
    runtime_options.fault = *fault;
  }
  const TierChoice tier = meaning_of(options.tier, tier_choices);
  if (tier.has_policy)
    runtime_options.tier_up = tier_up_options_of(options);
  runtime_options.tier = tier.tier;
  runtime_options.sites = tier.has_sites;
  runtime_options.loop_sites = options.loop_sites;
  runtime_options.assume_guards = options.assume_guards;
  if (options.speculate)
    runtime_options.speculate_after = options.speculate_after;
  runtime_options.stubs = meaning_of(options.stubs, stub_kinds);
  runtime_options.calls = meaning_of(options.calls, call_kinds);
  runtime_options.mechanism = meaning_of(options.rewrite, mechanisms);
  runtime_options.verify_each_pass = options.verify_each_pass;
  if (options.count_residence)
    runtime_options.freeing = Freeing::ResidenceCounting;
  runtime_options.debug_info = options.debug_info;
  runtime_options.compile_ahead = options.compile_ahead;
  runtime_options.libraries = options.libraries;
  runtime_options.optimize_only = options.optimize_only;
  auto control = control_options_of(options);
  if (!control)
    return control.takeError();
  runtime_options.control = std::move(*control);
  return runtime_options;
}

void add_run_options(CLI::App &command, RunOptions &options) {
  command
      .add_option("--tier", options.tier,
                  "Tier of the code that calls enter; auto: baseline, and what a policy finds hot is "
                  "optimised; plain: without any sites")
      ->check(one_of(tier_choices))
      ->capture_default_str();
  add_tier_up_options(command, options);
  command.add_option("--stress", options.stress, std::string("Force transitions: ") + StressMode::forms)
      ->capture_default_str();
  add_mechanism_options(command, options);
  add_file_options(command, options);
  add_code_options(command, options);
  add_control_options(command, options);
}

} // namespace osr
