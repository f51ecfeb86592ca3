// osrctl run: runs a program and, on request, moves its frames between tiers while it runs.
#include "compiler/base/error.h"
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/run_options.h"
#include "osrctl/saved_cache.h"
#include "osrctl/select_version.h"
#include "osrctl/statistics_file.h"
#include "runtime/code/perf_dump.h"
#include "runtime/events/trace.h"
#include "runtime/facade/create_runtime.h"
#include "runtime/guest/program_exit.h"

#include <llvm/Support/Path.h>

using namespace llvm;

namespace osr {
namespace {

/// The runtime checks names too; here the nearest ones can be suggested.
Error check_names(const CanonicalProgram &program, const StressMode &stress, std::vector<std::string> names) {
  if (stress.kind == StressMode::Kind::At)
    names.push_back(stress.function);
  for (const std::string &name : names)
    if (auto function = find_function(program, name); !function)
      return function.takeError();
  return Error::success();
}

StatisticsWriter writer;
SavedCache saved_cache;

int run(const RunOptions &options, const std::vector<std::string> &arguments) {
  auto runtime_options = runtime_options_of(options);
  if (!runtime_options)
    return report_usage(runtime_options.takeError());
  std::string statistics_file = options.statistics_file;
  if (!statistics_file.empty())
    if (Error error = prepare_statistics_file(statistics_file))
      return report(std::move(error));

  // The program's own exit may run at any time, so these live until the process is gone.
  static auto &context = *new LLVMContext;
  const bool is_churn = runtime_options->stress.kind == StressMode::Kind::Churn;
  auto program = load_input_to_link(context, options.program, is_churn ? KeepSource::Yes : KeepSource::No);
  if (!program)
    return report(program.takeError());
  if (Error error = check_names(*program, runtime_options->stress, options.optimize_only))
    return report(std::move(error));
  if (options.perf_dump)
    if (Error error = open_perf_dump())
      return report(std::move(error));
  if (!options.trace_file.empty())
    if (Error error = Trace::start(options.trace_file, sys::path::filename(options.program.front())))
      return report(std::move(error));
  saved_cache = SavedCache(options.compile_cache_file);
  runtime_options->compile_cache = saved_cache.cache();
  auto runtime = create_runtime(std::move(*program), std::move(*runtime_options));
  if (!runtime)
    return report(runtime.takeError());
  writer = {runtime->release(), statistics_file};
  set_exit_observer([] {
    writer.write();
    saved_cache.save();
    if (Trace *trace = Trace::active())
      trace->finish();
  });
  std::vector<std::string> argv{options.program.front()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto status = writer.runtime->run_main(argv);
  if (!status)
    return report(status.takeError());
  exit_program(*status);
}

} // namespace

void add_run(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("run", "Run a program; arguments for it follow behind --");
  auto options = std::make_shared<RunOptions>();
  add_run_options(*command, *options);
  add_program_option(*command, options->program);
  command->footer("Example:\n  osrctl run --stress every --stats counters.json fib.bc -- 30");
  command->callback(
      [=, &chosen] { chosen = [=](const std::vector<std::string> &arguments) { return run(*options, arguments); }; });
}

} // namespace osr
