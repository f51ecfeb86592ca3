#include "runtime/facade/complete_options.h"

#include "compiler/base/error_code.h"
#include "compiler/base/message.h"
#include "compiler/base/named_value.h"
#include "compiler/target/target.h"

#include <llvm/ADT/StringSet.h>

#include <cstdlib>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_queued = std::size_t(1) << 20;
constexpr unsigned most_compile_threads = 256;

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

/// Called with locks held, from code that no exception may pass: what comes is said, and taken for an answer that says nothing.
template <typename Result, typename... Arguments>
void contain_exceptions(std::function<Result(Arguments...)> &function, const char *name) {
  if (!function)
    return;
  function = [inner = std::move(function), name](Arguments... arguments) -> Result {
    try {
      return inner(arguments...);
    } catch (...) {
      say(fmt::format("an exception has left the host's {}: it is taken for one that says nothing", name));
      return Result();
    }
  };
}

Error make_deterministic(RuntimeOptions &options) {
  if (goes_by_time(options.stress.kind))
    return make_error(ErrorCode::Invalid, "a stress mode that goes by time is not deterministic");
  if (options.tier_up.policy && options.tier_up.policy->sampling_period().count() != 0)
    return make_error(ErrorCode::Invalid, "a policy that samples is not deterministic");
  if (options.limits.most_time)
    return make_error(ErrorCode::Invalid, "a limit for the time that compiles take is not deterministic");
  options.tier_up.compile_threads = 0;
  return Error::success();
}

/// What the type of an option has room for, and no option means.
Error check_choices(const RuntimeOptions &options) {
  if (Error error = check_named(options.tier, Tier::Optimized, "tier"))
    return error;
  if (Error error = check_named(options.stress.kind, StressMode::Kind::At, "stress"))
    return error;
  if (Error error = check_named(options.calls, CallKind::Direct, "calls"))
    return error;
  if (Error error = check_named(options.mechanism, Mechanism::ReturnPoint, "mechanism"))
    return error;
  if (Error error = check_named(options.stubs, StubKind::Interpreted, "stubs"))
    return error;
  if (Error error = check_named(options.freeing, Freeing::ResidenceCounting, "freeing"))
    return error;
  if (Error error = check_named(options.fault.kind, Fault::Kind::CalleeSaved, "fault"))
    return error;
  if (options.stress.kind != StressMode::Kind::Random && options.stress.number == 0) // that is a seed
    return make_error(ErrorCode::Invalid, "stress: its number is 0; it takes 1 and more");
  if (options.tier_up.queue_capacity > most_queued || options.tier_up.compile_threads > most_compile_threads)
    return make_error(ErrorCode::Invalid, "tier_up: {} functions may wait for {} threads; it takes up to {} and {}",
                      options.tier_up.queue_capacity, options.tier_up.compile_threads, most_queued,
                      most_compile_threads);
  return Error::success();
}

} // namespace

Error check_host_symbols(ArrayRef<HostSymbol> symbols) {
  StringSet<> names;
  for (const auto &[name, address] : symbols)
    if (name.empty() || address == 0)
      return make_error(ErrorCode::Invalid, "'{}' at {:#x} is no symbol: both are needed", name, address);
    else if (!names.insert(name).second)
      return make_error(ErrorCode::Exists, "'{}' is given twice", name);
  return Error::success();
}

Expected<RuntimeOptions> complete(RuntimeOptions options) {
  if (const char *text = options.environment.empty() ? nullptr : std::getenv(options.environment.c_str()))
    if (Error error = change_options(options, text))
      return make_error(ErrorCode::Invalid, "{}: {}", options.environment, toString(std::move(error)));
  if (Error error = check_choices(options))
    return error;
  if (Error error = check_host_symbols(options.host_symbols))
    return error;
  contain_exceptions(options.resolve, "resolve");
  contain_exceptions(options.compile_failed, "compile_failed");
  contain_exceptions(options.listener, "listener");
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
