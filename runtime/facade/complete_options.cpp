#include "runtime/facade/complete_options.h"

#include "compiler/base/error.h"
#include "compiler/target/target.h"

#include <cstdlib>

using namespace llvm;

namespace osr {
namespace {

bool goes_by_time(StressMode::Kind kind) {
  switch (kind) {
  case StressMode::Kind::None:
  case StressMode::Kind::Every:
  case StressMode::Kind::All:
  case StressMode::Kind::Random:
  case StressMode::Kind::Polls:
  case StressMode::Kind::At: return false;
  case StressMode::Kind::Loops:
  case StressMode::Kind::Async:
  case StressMode::Kind::Churn: return true;
  }
  return true;
}

Error make_deterministic(RuntimeOptions &options) {
  if (goes_by_time(options.stress.kind))
    return make_error("a stress mode that goes by time is not deterministic");
  if (options.tier_up.policy && options.tier_up.policy->sampling_period().count() != 0)
    return make_error("a policy that samples is not deterministic");
  if (options.limits.most_time)
    return make_error("a limit for the time that compiles take is not deterministic");
  options.tier_up.compile_threads = 0;
  return Error::success();
}

} // namespace

Expected<RuntimeOptions> complete(RuntimeOptions options) {
  if (const char *text = options.environment.empty() ? nullptr : std::getenv(options.environment.c_str()))
    if (Error error = change_options(options, text))
      return make_error("{}: {}", options.environment, toString(std::move(error)));
  if (options.deterministic)
    if (Error error = make_deterministic(options))
      return error;
  if (options.target_cpu.empty() && options.target_features.empty())
    return options;
  auto processor = choose_processor(options.target_cpu, options.target_features);
  if (!processor)
    return processor.takeError();
  options.target_cpu = std::move(processor->name);
  options.target_features = std::move(processor->features);
  return options;
}

} // namespace osr
