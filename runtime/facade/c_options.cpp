#include "runtime/facade/c_options.h"

#include "runtime/facade/c_support.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

using namespace llvm;

namespace osr {
namespace {

/// As it was before `context` came.
constexpr std::size_t first_size = offsetof(osr_options, context);

osr_event_kind kind_of(EventKind kind) {
  switch (kind) {
  case EventKind::Compiled: return OSR_EVENT_COMPILED;
  case EventKind::NotCompiled: return OSR_EVENT_NOT_COMPILED;
  case EventKind::TierChanged: return OSR_EVENT_TIER_CHANGED;
  case EventKind::Exited: return OSR_EVENT_EXITED;
  case EventKind::Dropped: return OSR_EVENT_DROPPED;
  case EventKind::Cycle: return OSR_EVENT_CYCLE;
  case EventKind::Redefined: return OSR_EVENT_REDEFINED;
  case EventKind::Removed: return OSR_EVENT_REMOVED;
  case EventKind::OutOfUse: return OSR_EVENT_OUT_OF_USE;
  case EventKind::Freed: return OSR_EVENT_FREED;
  }
  return OSR_EVENT_COMPILED;
}

osr_event event_of(const RuntimeEvent &event) {
  return {kind_of(event.kind),
          event.function.data(),
          event.function.size(),
          event.tier == Tier::Baseline ? OSR_TIER_BASELINE : OSR_TIER_OPTIMIZED,
          event.site.has_value(),
          event.site.value_or(0),
          event.bytes,
          event.seconds,
          event.activations,
          event.times,
          event.reason.data(),
          event.reason.size()};
}

std::vector<osr_value> shown_values(const std::vector<DeoptimizedValue> &values) {
  std::vector<osr_value> shown;
  shown.reserve(values.size());
  for (const DeoptimizedValue &value : values)
    shown.push_back({value.type.data(), value.type.size(), value.words.data(), value.words.size()});
  return shown;
}

DeoptimizeHandler handler_of(void (*deoptimize)(const osr_deoptimized *, std::uint64_t *, void *), void *context) {
  return [=](const DeoptimizedFrame &frame) {
    const std::vector<osr_value> arguments = shown_values(frame.arguments), state = shown_values(frame.state);
    const osr_deoptimized shown{frame.function.data(),
                                frame.function.size(),
                                frame.result_type.data(),
                                frame.result_type.size(),
                                arguments.data(),
                                arguments.size(),
                                state.data(),
                                state.size()};
    DeoptimizedResult result{};
    deoptimize(&shown, result.data(), context);
    return result;
  };
}

void take_functions(const osr_options &chosen, RuntimeOptions &options) {
  void *const context = chosen.context;
  if (auto *listener = chosen.listener)
    options.listener = [=](const RuntimeEvent &event) {
      const osr_event shown = event_of(event);
      listener(&shown, context);
    };
  if (auto *resolve = chosen.resolve)
    options.resolve = [=](StringRef name) -> std::optional<std::uint64_t> {
      std::uint64_t address = 0;
      return resolve(name.str().c_str(), &address, context) ? std::optional(address) : std::nullopt;
    };
  if (auto *failed = chosen.compile_failed)
    options.compile_failed = [=](StringRef function, StringRef reason) {
      return failed(function.str().c_str(), reason.str().c_str(), context);
    };
  if (auto *cannot_go_on = chosen.cannot_go_on)
    options.cannot_go_on = [=](StringRef reason) { // it ends with a null byte; longjmp would leave a copy behind
      cannot_go_on(reason.data(), context); // NOLINT(bugprone-suspicious-stringview-data-usage)
    };
  if (auto *deoptimize = chosen.deoptimize)
    options.deoptimize = handler_of(deoptimize, context);
  if (auto *message = chosen.message)
    options.message = [=](StringRef text) { message(text.str().c_str(), context); };
}

void take_limits(const osr_options &chosen, CompileLimits &limits) {
  if (chosen.most_instructions)
    limits.most_instructions = chosen.most_instructions;
  if (chosen.most_milliseconds)
    limits.most_time = std::chrono::milliseconds(
        std::min<std::uint64_t>(chosen.most_milliseconds, std::numeric_limits<std::int32_t>::max()));
  if (chosen.most_failures)
    limits.most_failures = chosen.most_failures;
}

const char *text_or_nothing(const char *text) { return text ? text : ""; }

} // namespace

Expected<RuntimeOptions> options_from(const osr_options &given) {
  auto taken = structure_from(given, first_size, "osr_options");
  if (!taken)
    return taken.takeError();
  const osr_options &chosen = *taken;
  RuntimeOptions options;
  if (chosen.tier == OSR_TIER_AUTO) {
    options.tier_up.policy = std::make_shared<BudgetPolicy>();
  } else {
    auto tier = tier_of(chosen.tier);
    if (!tier)
      return tier.takeError();
    options.tier = *tier;
  }
  options.reference_spaces.assign(chosen.reference_spaces, chosen.reference_spaces + chosen.reference_space_count);
  options.process_symbols = !chosen.no_process_symbols;
  options.target_cpu = text_or_nothing(chosen.target_cpu);
  options.target_features = text_or_nothing(chosen.target_features);
  options.deterministic = chosen.deterministic != 0;
  options.environment = text_or_nothing(chosen.environment);
  if (chosen.cache)
    options.compile_cache = chosen.cache->cache;
  take_functions(chosen, options);
  take_limits(chosen, options.limits);
  return options;
}

} // namespace osr
