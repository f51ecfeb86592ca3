#include "osrctl/attach_commands.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "osrctl/attach_text.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Allocator.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/StringSaver.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr const char *a_thread[] = {"thread"}, *a_pattern[] = {"pattern"}, *a_function[] = {"function"};

constexpr AttachCommand table[] = {
    {"status", {}, "What the process is, and what code it has", print_status},
    {"threads", {}, "The program's threads, and the newest function of each", print_threads},
    {"stack", a_thread, "Every activation of a thread, or of all: function, tier, site, what it waits for", print_stack},
    {"functions", a_pattern, "Functions by a part of their name, or by a pattern with *, ? and [", print_functions},
    {"function", a_function, "The versions of one function, and why it is as it is", print_function},
    {"replace", a_function, "Activations and calls to come go on in the other tier", print_replaced},
    {"reclaim", {}, "Code that nothing leads into is freed now", print_reclaimed},
    {"stats", {}, "All counters, as --stats writes them", print_plain},
};

std::string upper(StringRef text) { return text.upper(); }

std::string value_text(const Parameter &parameter) {
  return parameter.choices ? parameter.choices : parameter.kind == ParameterKind::Number ? "N" : upper(parameter.name);
}

Expected<json> value_of(const Parameter &parameter, const std::string &word) {
  if (parameter.kind != ParameterKind::Number)
    return json(word);
  std::uint64_t number = 0;
  if (StringRef(word).getAsInteger(10, number))
    return make_error("'{}' is no number for {}", word, parameter.name);
  return json(number);
}

const Parameter *find_parameter(const Method &method, StringRef name) {
  const auto *found = find_if(method.parameters, [&](const Parameter &parameter) { return name == parameter.name; });
  return found == method.parameters.end() ? nullptr : found;
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
  const Method &method = method_of(command);
  const auto add = [&](const Parameter &parameter, const std::string &form) {
    text += parameter.is_needed ? " " + form : " [" + form + "]";
  };
  for (const char *word : command.words)
    add(*find_parameter(method, word), upper(word));
  for (const Parameter &parameter : method.parameters)
    if (none_of(command.words, [&](const char *word) { return StringRef(word) == parameter.name; }))
      add(parameter, std::string("--") + parameter.name +
                         (parameter.kind == ParameterKind::Flag ? "" : " " + value_text(parameter)));
  return text;
}

std::string help_text() {
  std::string text;
  for (const AttachCommand &command : table)
    text += fmt::format("{}\n    {}\n", usage_of(command), command.what);
  return text;
}

Expected<json> parameters_of(const AttachCommand &command, ArrayRef<std::string> words) {
  const Method &method = method_of(command);
  json parameters = json::object();
  ArrayRef<const char *> in_order = command.words;
  for (std::size_t i = 0; i != words.size(); ++i) {
    StringRef word = words[i];
    const Parameter *parameter = nullptr;
    std::string value = words[i];
    if (word.consume_front("--")) {
      const auto [name, joined] = word.split('=');
      parameter = find_parameter(method, name);
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
      parameter = find_parameter(method, in_order.front());
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

std::vector<std::string> split_words(StringRef line) {
  BumpPtrAllocator memory;
  StringSaver saver(memory);
  SmallVector<const char *, 8> words;
  cl::TokenizeGNUCommandLine(line, saver, words);
  return {words.begin(), words.end()};
}

} // namespace osr
