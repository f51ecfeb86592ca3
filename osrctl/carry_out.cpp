#include "osrctl/carry_out.h"

#include "compiler/base/error.h"
#include "osrctl/attach_text.h"
#include "osrctl/attach_words.h"
#include "osrctl/function_names.h"
#include "osrctl/pager.h"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

/// What has changed since the last time, until somebody interrupts it. That the process ends is an error, as it is for
/// whoever follows events.
Error watch(ControlConnection &connection, const AttachCommand &command, const json &parameters,
            function_ref<void(const json &, std::string (*)(const json &))> show) {
  json last;
  for (;;) {
    auto result = connection.ask(command.name, parameters);
    if (!result)
      return result.takeError();
    json flat = result->flatten(), changed = json::object();
    for (const auto &[path, value] : flat.items())
      if (!last.is_object() || last.value(path, json()) != value)
        changed[path] = value;
    show(changed, print_plain);
    last = std::move(flat);
    auto goes_on = connection.pause(std::chrono::seconds(1));
    if (!goes_on || !*goes_on)
      return goes_on.takeError();
  }
}

/// The function is named as the process knows it.
Expected<json> with_function(ControlConnection &connection, json parameters) {
  try {
    auto name = resolve_function(connection, parameters.at("function").get<std::string>());
    if (!name)
      return name.takeError();
    parameters["function"] = *name;
    return parameters;
  } catch (const json::exception &error) {
    return make_error("the answer of process {} makes no sense: {}", connection.pid(), error.what());
  }
}

} // namespace

Error carry_out(ControlConnection &connection, const AttachCommand &command, ArrayRef<std::string> words,
                AttachOutput output) {
  auto parameters = parameters_of(command, words);
  if (parameters && parameters->contains("function"))
    parameters = with_function(connection, std::move(*parameters));
  if (parameters && command.prepare)
    parameters = command.prepare(connection, std::move(*parameters));
  if (!parameters)
    return parameters.takeError();
  const auto show = [output](const json &answer, std::string (*print)(const json &)) {
    const std::string text = output == AttachOutput::Json ? answer.dump() + '\n' : print(answer);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  if (const bool watches = parameters->value("watch", false); parameters->erase("watch"), watches)
    return watch(connection, command, *parameters, show);
  const bool tells_progress = output == AttachOutput::Text && ::isatty(STDERR_FILENO) == 1;
  const ControlConnection::OnNews on_news = [&](const std::string &method, const json &news) {
    if (method == "event")
      show(news, print_event);
    else if (method == "progress" && tells_progress)
      fmt::print(stderr, "{:.1f} s: {}\n", news.value("seconds", 0.0), text_at(news, "what"));
  };
  const auto more = parameters->value("follow", false)
                        ? ControlConnection::for_ever
                        : ControlConnection::Seconds(double(number_at(*parameters, "wait")));
  try {
    auto result = connection.ask(command.name, *parameters, on_news, more);
    if (!result)
      return result.takeError();
    if (output == AttachOutput::Json)
      show(*result, command.print);
    else
      show_text(command.print(*result));
  } catch (const json::exception &error) {
    return make_error("the answer of process {} makes no sense: {}", connection.pid(), error.what());
  }
  return Error::success();
}

} // namespace osr
