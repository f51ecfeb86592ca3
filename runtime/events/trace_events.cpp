#include "runtime/events/trace_events.h"

#include "runtime/events/cause.h"

#include <nlohmann/json.hpp>

#include <utility>

using namespace llvm;

namespace osr {
namespace {

const char *kind_of(Tier tier, bool is_continuation) { return is_continuation ? "continuation" : to_string(tier); }

std::string site_name(const CanonicalProgram &program, SiteId site) {
  return program.functions[site.function].name + "#" + std::to_string(site.index);
}

double microseconds(Trace::Clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

} // namespace

void trace_compile(Trace &trace, Trace::Clock::time_point begin, const CanonicalProgram &program, const VersionKey &key,
                   const CodeObject *object) {
  nlohmann::json arguments{{"tier", kind_of(key.tier, key.continuation_site.has_value())},
                           {"cause", to_string(Because::current())}};
  if (object)
    arguments.update({{"code_bytes", object->code_size}, {"sites", object->sites.size()}});
  else
    arguments["refused"] = true;
  trace.span("compile",
             key.continuation_site ? site_name(program, {key.function, *key.continuation_site})
                                   : program.functions[key.function].name,
             begin, arguments);
}

void trace_free(Trace &trace, const CanonicalProgram &program, const CodeObject &object) {
  trace.instant(
      "free", program.functions[object.function].name,
      {{"tier", kind_of(object.tier, object.continuation_site.has_value())}, {"code_bytes", object.code_size}});
}

void trace_pause(const Handshake::Pause &pause) {
  Trace *trace = Trace::active();
  if (!trace || !trace->is_written())
    return;
  for (pid_t thread : pause.threads)
    trace->span(thread, "pause", "stopped", pause.stopped, pause.resumed, {{"cause", to_string(Because::current())}});
  trace->span("stop", "stop threads", pause.asked,
              {{"threads", pause.threads.size()},
               {"cause", to_string(Because::current())},
               {"stopped_us", microseconds(pause.resumed - pause.stopped)}});
}

TracedTransition *trace_transition(Trace &trace, const CanonicalProgram &program, const CodeObject &from,
                                   const SiteRecord &record, Landing landing) {
  const SiteId innermost = record.frames.back().site;
  return trace.transition(program.functions[innermost.function].name,
                          {{"site", innermost.index},
                           {"from", kind_of(from.tier, from.continuation_site.has_value())},
                           {"to", landing == Landing::InPlace ? "baseline" : "continuation"},
                           {"frames", record.frames.size()}});
}

struct TracedRequest::State {
  Trace &trace;
  Trace::Clock::time_point begin = Trace::Clock::now();
  std::string name;
  nlohmann::json arguments;
};

TracedRequest::TracedRequest(const char *verb, StringRef function, Tier to) {
  if (Trace *trace = Trace::active())
    state_.reset(new State{*trace,
                           Trace::Clock::now(),
                           std::string(verb) + " " + function.str(),
                           {{"to", to_string(to)}, {"cause", to_string(Because::current())}}});
}

TracedRequest::~TracedRequest() {
  if (state_)
    state_->trace.span("request", state_->name, state_->begin, state_->arguments);
}

void TracedRequest::done(const ReplaceOutcome &outcome) {
  if (state_)
    state_->arguments.update({{"rewritten", outcome.rewritten},
                              {"at_polls", outcome.at_polls},
                              {"already", outcome.already},
                              {"running", outcome.running},
                              {"refused", outcome.refused},
                              {"stops", outcome.stops}});
}

Error TracedRequest::failed(Error error) {
  if (!state_ || !error)
    return error;
  const std::string text = toString(std::move(error));
  state_->arguments["error"] = text;
  return createStringError(inconvertibleErrorCode(), "%s", text.c_str());
}

} // namespace osr
