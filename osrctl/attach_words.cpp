#include "osrctl/attach_words.h"

#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Allocator.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/StringSaver.h>

#include <algorithm>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

std::string upper(StringRef text) { return text.upper(); }

bool is_thread(const Parameter &parameter) { return StringRef(parameter.name) == "thread"; }

std::string value_text(const Parameter &parameter) {
  if (parameter.kind == ParameterKind::Target)
    return fmt::format("{}|VERSION", parameter.choices);
  if (is_thread(parameter))
    return "N|all";
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

/// What a person may say: code comes out of files.
std::vector<const Parameter *> parameters_for_people(const AttachCommand &command) {
  std::vector<const Parameter *> found;
  for (const Parameter &parameter : method_of(command).parameters)
    if (!is_code(parameter.kind))
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
  return option_name(parameter) + (parameter.kind == ParameterKind::Flag ? "" : " " + value_text(parameter));
}

} // namespace

std::string usage_of(const AttachCommand &command) {
  std::string text = command.name;
  const auto add = [&](const Parameter &parameter, const std::string &form) {
    text += parameter.is_needed ? " " + form : " [" + form + "]";
  };
  for (const char *word : command.words) {
    const Parameter &parameter = *find_parameter(command, word);
    add(parameter, parameter.choices ? parameter.choices : is_thread(parameter) ? "THREAD|all" : upper(word));
  }
  for (const Parameter &parameter : parameters_of_options(command))
    add(parameter, option_text(parameter));
  return text;
}

std::string option_name(const Parameter &parameter) {
  std::string name = parameter.name;
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

std::vector<Parameter> parameters_of_options(const AttachCommand &command) {
  std::vector<Parameter> options;
  for (const Parameter *parameter : parameters_for_people(command))
    if (none_of(command.words, [&](const char *word) { return StringRef(word) == parameter->name; }))
      options.push_back(*parameter);
  return options;
}

std::string help_text() {
  std::string text;
  for (const AttachCommand &command : attach_commands())
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
      if (parameter->kind == ParameterKind::Flag && word.contains('='))
        return make_error("--{} takes no value: {}", name.str(), usage_of(command));
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
    if (value == "all" && is_thread(*parameter)) { // what it is if nobody says anything
      parameters.erase(parameter->name);
      continue;
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
