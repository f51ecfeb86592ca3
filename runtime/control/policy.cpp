// What decides which tier a function runs in, and how somebody decides it instead.
#include "compiler/base/error.h"
#include "runtime/control/control.h"

#include <limits>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

Expected<json> set_paused(const ControlParts &parts, bool paused) {
  if (!parts.tiering)
    return make_error("no policy is at work: the program was begun with a fixed tier");
  parts.tiering->pause(paused);
  return json{{"policy", paused ? "paused" : "on"}};
}

Expected<EntryId> entry_of(Engine &engine, const std::string &function) OSR_REQUIRES(engine_lock) {
  auto body = engine.find_body(function);
  if (!body)
    return body.takeError();
  return engine.targets().bodies().entry_of(*body);
}

} // namespace

Expected<json> answer_policy(const ControlParts &parts, const Call &) {
  Lock lock(parts.engine.mutex(), after_waiting);
  json held = json::object();
  for (const auto &[entry, tier] : parts.first_calls.held())
    held[parts.engine.name_of(entry)] = to_string(tier);
  json result{{"policy", !parts.tiering               ? "none"
                         : parts.tiering->is_paused() ? "paused"
                                                      : "on"},
              {"held", std::move(held)}};
  lock.unlock();
  if (!parts.tiering)
    return result;
  const Statistics::TierUp counts = parts.tiering->statistics();
  result.update({{"optimized", counts.functions.size()}, {"requests", counts.requests}, {"dropped", counts.dropped}});
  if (const auto threshold = parts.tiering->threshold())
    result["threshold"] = *threshold;
  return result;
}

Expected<json> answer_threshold(const ControlParts &parts, const Call &call) {
  if (!parts.tiering)
    return make_error("no policy is at work: the program was begun with a fixed tier");
  constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
  const std::uint64_t wanted = number_of(call.request, "value").value_or(0);
  if (wanted == 0 || wanted > largest)
    return make_error("a threshold is a number from 1 to {}", largest);
  Lock lock(parts.engine.mutex(), after_waiting);
  if (!parts.tiering->set_threshold(std::uint32_t(wanted)))
    return make_error("the policy has no threshold");
  return json{{"threshold", wanted}};
}

Expected<json> answer_pause(const ControlParts &parts, const Call &) { return set_paused(parts, true); }

Expected<json> answer_resume(const ControlParts &parts, const Call &) { return set_paused(parts, false); }

/// What has been compiled is replaced as well; a function that is never replaced finishes in what it has.
Expected<json> answer_hold(const ControlParts &parts, const Call &call) {
  Engine &engine = parts.engine;
  const std::string function = text_of(call.request, "function");
  ReplaceOptions options;
  options.to = tier_from(text_of(call.request, "tier"));
  options.is_cancelled = &call.is_cancelled;
  Lock lock(engine.mutex(), after_waiting);
  auto entry = entry_of(engine, function);
  if (!entry)
    return entry.takeError();
  const FunctionInfo &info = engine.program().functions[engine.targets().bodies().current(*entry)];
  if (info.pinned != PinReason::None || engine.versions().counts_activations())
    options.frames = Frames::FinishOld;
  const auto before = parts.first_calls.held().find(*entry);
  const std::optional<Tier> held_before =
      before == parts.first_calls.held().end() ? std::nullopt : std::optional(before->second);
  parts.first_calls.hold(*entry, options.to);
  lock.unlock();
  auto outcome = parts.replacer.replace(*entry, options);
  if (outcome)
    return describe(*outcome);
  lock.lock(after_waiting);
  parts.first_calls.hold(*entry, held_before);
  return outcome.takeError();
}

Expected<json> answer_release(const ControlParts &parts, const Call &call) {
  Lock lock(parts.engine.mutex(), after_waiting);
  auto entry = entry_of(parts.engine, text_of(call.request, "function"));
  if (!entry)
    return entry.takeError();
  const bool was_held = parts.first_calls.held().contains(*entry);
  parts.first_calls.hold(*entry, std::nullopt);
  return json{{"was_held", was_held}};
}

} // namespace osr
