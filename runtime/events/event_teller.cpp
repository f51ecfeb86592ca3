#include "runtime/events/event_teller.h"

#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"

#include <nlohmann/json.hpp>

namespace osr {
namespace {

RuntimeEvent about(EventKind kind, llvm::StringRef function, Tier tier) {
  RuntimeEvent event;
  event.kind = kind;
  event.function = function;
  event.tier = tier;
  return event;
}

RuntimeEvent about(EventKind kind, llvm::StringRef function, const CodeObject &object) {
  RuntimeEvent event = about(kind, function, object.tier);
  event.site = object.continuation_site;
  event.bytes = object.code_size;
  return event;
}

std::string_view cause() { return to_string(Because::current()); }

double seconds_since(Trace::Clock::time_point begun) {
  return std::chrono::duration<double>(Trace::Clock::now() - begun).count();
}

} // namespace

void EventTeller::compiled(Trace::Clock::time_point begun, const CodeObject &object) const {
  if (Trace *trace = Trace::active())
    trace_compile(*trace, begun, program_, object.version(), &object);
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::Compiled, name_of(object.function), object);
  event.seconds = seconds_since(begun);
  event.reason = cause();
  listener_(event);
}

void EventTeller::not_compiled(Trace::Clock::time_point begun, const VersionKey &key, llvm::StringRef reason) const {
  if (Trace *trace = Trace::active())
    trace_compile(*trace, begun, program_, key, nullptr);
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::NotCompiled, name_of(key.function), key.tier);
  event.site = key.continuation_site;
  event.seconds = seconds_since(begun);
  event.reason = reason;
  listener_(event);
}

void EventTeller::tier_changed(FunctionId function, Tier tier, std::uint64_t activations) const {
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::TierChanged, name_of(function), tier);
  event.activations = activations;
  event.reason = cause();
  listener_(event);
}

void EventTeller::exited(SiteId guard, const char *reason) const {
  if (Trace *trace = Trace::active())
    trace->instant("guard", name_of(guard.function), {{"site", guard.index}, {"reason", reason}});
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::Exited, name_of(guard.function), Tier::Optimized);
  event.site = guard.index;
  event.activations = 1;
  event.reason = reason;
  listener_(event);
}

void EventTeller::dropped(SiteId guard) const {
  if (Trace *trace = Trace::active())
    trace->instant("dropped", name_of(guard.function), {{"site", guard.index}});
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::Dropped, name_of(guard.function), Tier::Optimized);
  event.site = guard.index;
  listener_(event);
}

void EventTeller::failed_again(FunctionId function, std::uint64_t times) const {
  if (Trace *trace = Trace::active())
    trace->instant("cycle", name_of(function), {{"times", times}});
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::Cycle, name_of(function), Tier::Optimized);
  event.times = times;
  listener_(event);
}

void EventTeller::redefined(FunctionId function, std::uint64_t activations) const {
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::Redefined, name_of(function), Tier::Baseline);
  event.activations = activations;
  listener_(event);
}

void EventTeller::removed(llvm::StringRef function) const {
  if (Trace *trace = Trace::active())
    trace->instant("removed", function, nlohmann::json::object());
  if (listener_)
    listener_(about(EventKind::Removed, name_for_people(function), Tier::Baseline));
}

void EventTeller::out_of_use(const CodeObject &object) const {
  if (!listener_)
    return;
  RuntimeEvent event = about(EventKind::OutOfUse, name_of(object.function), object);
  event.reason = cause();
  listener_(event);
}

void EventTeller::freed(const CodeObject &object) const {
  if (Trace *trace = Trace::active())
    trace_free(*trace, program_, object);
  if (listener_)
    listener_(about(EventKind::Freed, name_of(object.function), object));
}

} // namespace osr
