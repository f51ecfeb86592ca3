#include "runtime/control/control.h"

#include "osr/version.h"
#include "runtime/events/trace.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/StringMap.h>

#include <cstdlib>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

struct Answered {
  const char *method;
  AnswerTo *answer;
};

constexpr Answered answers[] = {
    {"status", answer_status},
    {"threads", answer_threads},
    {"stack", answer_stack},
    {"functions", answer_functions},
    {"function", answer_function},
    {"stats", answer_stats},
    {"speculation", answer_speculation},
    {"replace", answer_replace},
    {"reclaim", answer_reclaim},
    {"symbols", answer_symbols},
    {"redefine", answer_redefine},
    {"revert", answer_revert},
    {"policy", answer_policy},
    {"threshold", answer_threshold},
    {"pause", answer_pause},
    {"resume", answer_resume},
    {"hold", answer_hold},
    {"release", answer_release},
    {"events", answer_events},
    {"sites", answer_sites},
    {"records", answer_records},
    {"ir", answer_ir},
    {"disassemble", answer_disassemble},
    {"perf-map", answer_perf_map},
    {"debug-info", answer_debug_info},
    {"patch", answer_patch},
    {"files", answer_files},
    {"patches", answer_patches},
    {"force", answer_force},
    {"trace", answer_trace},
};

/// Who did it.
void trace_change(const Call &call, bool has_failed) {
  Trace *trace = Trace::active();
  if (!trace)
    return;
  nlohmann::json arguments{{"user", call.peer.user}, {"process", call.peer.process}, {"refused", has_failed}};
  for (const Parameter &parameter : call.method.parameters)
    if (auto said = call.request.parameters.find(parameter.name);
        said != call.request.parameters.end() && !is_code(parameter.kind))
      arguments[parameter.name] = *said;
  trace->instant("control", call.method.name, arguments);
}

} // namespace

AnswerTo *answer_to(const Method &method) {
  const auto *found = find_if(answers, [&](const Answered &known) { return StringRef(known.method) == method.name; });
  return found == std::end(answers) ? nullptr : found->answer;
}

Error Control::start() {
  ControlServer::Options server;
  server.is_read_only = options_.read_only;
  server.greeting = {{"osr", OSR_VERSION}, {"pid", ::getpid()}, {"program", options_.program}};
  server.answer = [this](const Call &call) {
    Undisturbed undisturbed;
    auto result = answer_to(call.method)(parts_, call);
    if (call.method.access == Access::Change)
      trace_change(call, !result);
    return result;
  };
  const char *runtime_folder = std::getenv("XDG_RUNTIME_DIR");
  auto started =
      ControlServer::start(socket_folders(runtime_folder ? runtime_folder : "", ::getuid()), std::move(server));
  if (!started) {
    if (options_.required)
      return started.takeError();
    consumeError(started.takeError());
    return Error::success();
  }
  server_ = std::move(*started);
  if (!options_.read_only)
    hooks_.start();
  return Error::success();
}

void Control::hide() const {
  if (server_)
    server_->hide();
}

} // namespace osr
