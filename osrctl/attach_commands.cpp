#include "osrctl/attach_commands.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "osrctl/attach_text.h"
#include "osrctl/new_body.h"
#include "osrctl/patch.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Allocator.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/StringSaver.h>

#include <algorithm>
#include <cstdio>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr const char *a_thread[] = {"thread"}, *a_pattern[] = {"pattern"}, *a_function[] = {"function"},
                     *a_function_and_a_tier[] = {"function", "tier"}, *a_function_and_a_file[] = {"function", "file"},
                     *two_versions[] = {"old", "new"};
constexpr Parameter watch_parameters[] = {{"watch", ParameterKind::Flag}};
constexpr Parameter new_body_parameters[] = {{"file", ParameterKind::Text, true}, {"flags", ParameterKind::Text}};

constexpr Parameter patch_parameters[] = {
    {"old", ParameterKind::Text, true}, {"new", ParameterKind::Text, true}, {"flags", ParameterKind::Text}};

constexpr AttachCommand table[] = {
    {"status", {}, "What the process is, and what code it has", print_status},
    {"threads", {}, "The program's threads, and the newest function of each", print_threads},
    {"stack", a_thread,
     "Every activation of a thread, or of all: function, tier, line, site, what it waits for; with --values its "
     "variables",
     print_stack},
    {"functions", a_pattern, "Functions by a part of their name, or by a pattern with *, ? and [", print_functions},
    {"function", a_function, "The versions of one function, and why it is as it is", print_function},
    {"sites", a_function, "Where its activations can be replaced, and what a frame holds there", print_sites},
    {"records", a_function, "Where its versions, or --version N, have those values at each return PC", print_code},
    {"disassemble", a_function, "The same with machine code", print_code},
    {"ir", a_function, "Its IR: as all versions are made of it, or as one goes into the code generator", print_ir},
    {"perf-map",
     {},
     "Writes /tmp/perf-PID.map, by which perf and other profilers name the code that there is now",
     print_perf_map},
    {"replace", a_function, "Activations and calls to come go on in the other tier", print_replaced},
    {"hold", a_function_and_a_tier, "It goes to that tier and stays there, whatever a policy says", print_replaced},
    {"release", a_function, "A policy decides about it again", print_plain},
    {"redefine", a_function_and_a_file,
     "It gets a new body, from C, C++, IR or bitcode: also activations, where a site map says how", print_redefined,
     new_body_parameters, prepare_new_body},
    {"patch", two_versions,
     "All functions that differ in two versions of a file, which the program is made of, get their new bodies at once",
     print_patched, patch_parameters, prepare_patch},
    {"revert", a_function,
     "It gets the body back that it had before it was redefined; without a name, the newest patch", print_redefined},
    {"policy", {}, "What decides which functions are optimised, and which are held", print_plain},
    {"pause", {}, "The policy optimises nothing until 'resume'", print_plain},
    {"resume", {}, "The policy goes on", print_plain},
    {"events", {}, "What happens from now on (--follow), or what was noted for others", print_events},
    {"reclaim", {}, "Code that nothing leads into is freed now", print_reclaimed},
    {"stats",
     {},
     "All counters, as --stats writes them; with --watch each second those that have changed",
     print_plain,
     watch_parameters},
};

std::string upper(StringRef text) { return text.upper(); }

std::string value_text(const Parameter &parameter) {
  return parameter.choices ? parameter.choices : parameter.kind == ParameterKind::Number ? "N" : upper(parameter.name);
}

Expected<json> value_of(const Parameter &parameter, const std::string &word) {
  if (parameter.kind == ParameterKind::List) {
    json list = json::parse(word, nullptr, /*allow_exceptions=*/false);
    return list.is_array() ? Expected<json>(std::move(list))
                           : make_error("'{}' is no JSON list for {}", word, parameter.name);
  }
  if (parameter.kind != ParameterKind::Number)
    return json(word);
  std::uint64_t number = 0;
  if (StringRef(word).getAsInteger(10, number))
    return make_error("'{}' is no number for {}", word, parameter.name);
  return json(number);
}

/// What a person may say: `ir` and `functions` come out of files.
std::vector<const Parameter *> parameters_for_people(const AttachCommand &command) {
  std::vector<const Parameter *> found;
  for (const Parameter &parameter : method_of(command).parameters)
    if (!command.prepare || (StringRef(parameter.name) != "ir" && StringRef(parameter.name) != "functions"))
      found.push_back(&parameter);
  for (const Parameter &parameter : command.own)
    found.push_back(&parameter);
  return found;
}

/// Words may have a - for each _.
const Parameter *find_parameter(const AttachCommand &command, StringRef name) {
  std::string plain = name.str();
  std::replace(plain.begin(), plain.end(), '-', '_');
  for (const Parameter *parameter : parameters_for_people(command))
    if (plain == parameter->name)
      return parameter;
  return nullptr;
}

std::string option_text(const Parameter &parameter) {
  std::string name = parameter.name;
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name + (parameter.kind == ParameterKind::Flag ? "" : " " + value_text(parameter));
}

} // namespace

ArrayRef<AttachCommand> attach_commands() { return table; }

const AttachCommand *find_command(StringRef name) {
  const auto *found = find_if(table, [&](const AttachCommand &command) { return name == command.name; });
  return found == std::end(table) ? nullptr : found;
}

const Method &method_of(const AttachCommand &command) {
  const Method *found =
      find_if(methods(), [&](const Method &method) { return StringRef(method.name) == command.name; });
  OSR_CHECK(found != methods().end(), "no method for {}", command.name);
  return *found;
}

std::string usage_of(const AttachCommand &command) {
  std::string text = command.name;
  const auto add = [&](const Parameter &parameter, const std::string &form) {
    text += parameter.is_needed ? " " + form : " [" + form + "]";
  };
  for (const char *word : command.words) {
    const Parameter &parameter = *find_parameter(command, word);
    add(parameter, parameter.choices ? parameter.choices : upper(word));
  }
  for (const Parameter *parameter : parameters_for_people(command))
    if (none_of(command.words, [&](const char *word) { return StringRef(word) == parameter->name; }))
      add(*parameter, option_text(*parameter));
  return text;
}

std::string help_text() {
  std::string text;
  for (const AttachCommand &command : table)
    text += fmt::format("{}\n    {}\n", usage_of(command), command.what);
  return text;
}

Expected<json> parameters_of(const AttachCommand &command, ArrayRef<std::string> words) {
  json parameters = json::object();
  ArrayRef<const char *> in_order = command.words;
  for (std::size_t i = 0; i != words.size(); ++i) {
    StringRef word = words[i];
    const Parameter *parameter = nullptr;
    std::string value = words[i];
    if (word.consume_front("--")) {
      const auto [name, joined] = word.split('=');
      parameter = find_parameter(command, name);
      if (!parameter)
        return make_error("'{}' has no option --{}: {}", command.name, name.str(), usage_of(command));
      if (parameter->kind == ParameterKind::Flag) {
        parameters[parameter->name] = true;
        continue;
      }
      if (!word.contains('=') && ++i == words.size())
        return make_error("--{} needs a value: {}", name.str(), usage_of(command));
      value = word.contains('=') ? joined.str() : words[i];
    } else if (!in_order.empty()) {
      parameter = find_parameter(command, in_order.front());
      in_order = in_order.drop_front();
    } else {
      return make_error("'{}' is one word too many: {}", words[i], usage_of(command));
    }
    auto read = value_of(*parameter, value);
    if (!read)
      return read.takeError();
    parameters[parameter->name] = std::move(*read);
  }
  return parameters;
}

namespace {

/// What has changed since the last time, until somebody interrupts it or the process ends.
Error watch(ControlConnection &connection, const AttachCommand &command, const json &parameters,
            function_ref<void(const json &, std::string (*)(const json &))> show) {
  json last;
  do {
    auto result = connection.ask(command.name, parameters);
    if (!result)
      return result.takeError();
    json flat = result->flatten(), changed = json::object();
    for (const auto &[path, value] : flat.items())
      if (!last.is_object() || last.value(path, json()) != value)
        changed[path] = value;
    show(changed, print_plain);
    last = std::move(flat);
  } while (connection.pause(std::chrono::seconds(1)));
  return Error::success();
}

} // namespace

Error carry_out(ControlConnection &connection, const AttachCommand &command, ArrayRef<std::string> words,
                AttachOutput output) {
  auto parameters = parameters_of(command, words);
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
  ControlConnection::OnNews on_news;
  if (parameters->value("follow", false))
    on_news = [&](const std::string &method, const json &news) {
      if (method == "event")
        show(news, print_event);
    };
  try {
    auto result = connection.ask(command.name, *parameters, on_news);
    if (!result)
      return result.takeError();
    show(*result, command.print);
  } catch (const json::exception &error) {
    return make_error("the answer of process {} makes no sense: {}", connection.pid(), error.what());
  }
  return Error::success();
}

std::vector<std::string> split_words(StringRef line) {
  BumpPtrAllocator memory;
  StringSaver saver(memory);
  SmallVector<const char *, 8> words;
  cl::TokenizeGNUCommandLine(line, saver, words);
  return {words.begin(), words.end()};
}

} // namespace osr
