#include "runtime/control/control.h"

#include "osr/version.h"
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
    {"status", answer_status},       {"threads", answer_threads},   {"stack", answer_stack},
    {"functions", answer_functions}, {"function", answer_function}, {"stats", answer_stats},
    {"replace", answer_replace},     {"reclaim", answer_reclaim},
};

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
    return answer_to(call.method)(parts_, call);
  };
  const char *runtime_folder = std::getenv("XDG_RUNTIME_DIR");
  auto started = ControlServer::start(socket_folders(runtime_folder ? runtime_folder : "", ::getuid()), std::move(server));
  if (!started) {
    if (options_.required)
      return started.takeError();
    consumeError(started.takeError());
    return Error::success();
  }
  server_ = std::move(*started);
  return Error::success();
}

void Control::hide() const {
  if (server_)
    server_->hide();
}

} // namespace osr
