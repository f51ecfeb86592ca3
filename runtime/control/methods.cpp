#include "runtime/control/methods.h"

#include "compiler/base/error_code.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringExtras.h>

#include <limits>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr const char *tiers = "baseline|optimized";

constexpr Parameter stack_parameters[] = {
    {"thread", ParameterKind::Number}, {"depth", ParameterKind::Number}, {"values", ParameterKind::Flag}};
constexpr Parameter functions_parameters[] = {{"pattern", ParameterKind::Text},
                                              {"sort", ParameterKind::Text, false, "name|size|heat"},
                                              {"limit", ParameterKind::Number}};
constexpr Parameter function_parameters[] = {{"function", ParameterKind::Text, true}};
constexpr Parameter speculation_parameters[] = {{"function", ParameterKind::Text}};
constexpr Parameter code_parameters[] = {{"function", ParameterKind::Text, true}, {"version", ParameterKind::Number}};
constexpr Parameter ir_parameters[] = {{"function", ParameterKind::Text, true},
                                       {"stage", ParameterKind::Text, false, "canonical|baseline|optimized"}};
constexpr Parameter replace_parameters[] = {{"function", ParameterKind::Text, true},
                                            {"to", ParameterKind::Target, true, tiers},
                                            {"frames", ParameterKind::Text, false, "rewrite|finish|quiescent"},
                                            {"recompile", ParameterKind::Flag},
                                            {"thread", ParameterKind::Number}};
constexpr Parameter hold_parameters[] = {{"function", ParameterKind::Text, true},
                                         {"tier", ParameterKind::Text, true, tiers}};
constexpr Parameter symbols_parameters[] = {{"names", ParameterKind::List, true}, {"source", ParameterKind::Text}};
constexpr Parameter files_parameters[] = {{"file", ParameterKind::Text}};
constexpr Parameter redefine_parameters[] = {{"function", ParameterKind::Text, true},
                                             {"ir", ParameterKind::Code, true},
                                             {"same_sites", ParameterKind::Flag},
                                             {"site_map", ParameterKind::List},
                                             {"to", ParameterKind::Text, false, tiers},
                                             {"wait", ParameterKind::Number},
                                             {"before", ParameterKind::Text},
                                             {"after", ParameterKind::Text},
                                             {"hooks", ParameterKind::Code},
                                             {"hook_timeout", ParameterKind::Number}};
constexpr Parameter patch_parameters[] = {{"functions", ParameterKind::Bodies, true},
                                          {"to", ParameterKind::Text, false, tiers},
                                          {"wait", ParameterKind::Number},
                                          {"before", ParameterKind::Text},
                                          {"after", ParameterKind::Text},
                                          {"hooks", ParameterKind::Code},
                                          {"hook_timeout", ParameterKind::Number}};
constexpr Parameter revert_parameters[] = {{"function", ParameterKind::Text}, {"same_sites", ParameterKind::Flag},
                                           {"site_map", ParameterKind::List}, {"to", ParameterKind::Text, false, tiers},
                                           {"wait", ParameterKind::Number},   {"before", ParameterKind::Text},
                                           {"after", ParameterKind::Text},    {"hook_timeout", ParameterKind::Number}};
constexpr Parameter threshold_parameters[] = {{"value", ParameterKind::Number, true}};
constexpr Parameter events_parameters[] = {{"follow", ParameterKind::Flag}, {"filter", ParameterKind::Text}};
constexpr Parameter trace_parameters[] = {{"action", ParameterKind::Text, true, "start|stop"},
                                          {"file", ParameterKind::Text}};
constexpr Parameter cancel_parameters[] = {{"request", ParameterKind::RequestId, true}};

constexpr Method table[] = {
    {"status", Access::Look, {}},
    {"threads", Access::Look, {}},
    {"stack", Access::Look, stack_parameters},
    {"functions", Access::Look, functions_parameters},
    {"function", Access::Look, function_parameters},
    {"sites", Access::Look, function_parameters},
    {"records", Access::Look, code_parameters},
    {"disassemble", Access::Look, code_parameters},
    {"ir", Access::Look, ir_parameters},
    {"perf-map", Access::Change, {}},
    {"debug-info", Access::Look, {}},
    {"symbols", Access::Look, symbols_parameters},
    {"files", Access::Look, files_parameters},
    {"stats", Access::Look, {}},
    {"patches", Access::Look, {}},
    {"policy", Access::Look, {}},
    {"speculation", Access::Look, speculation_parameters},
    {"events", Access::Look, events_parameters},
    {"threshold", Access::Change, threshold_parameters},
    {"pause", Access::Change, {}},
    {"resume", Access::Change, {}},
    {"hold", Access::Change, hold_parameters},
    {"release", Access::Change, function_parameters},
    {"redefine", Access::Change, redefine_parameters},
    {"patch", Access::Change, patch_parameters},
    {"revert", Access::Change, revert_parameters},
    {"force", Access::Change, {}},
    {"replace", Access::Change, replace_parameters},
    {"reclaim", Access::Change, {}},
    {"trace", Access::Change, trace_parameters},
    {"cancel", Access::Look, cancel_parameters, Place::Server},
};

bool is_number(StringRef text) { return !text.empty() && all_of(text, isDigit); }

bool is_choice(StringRef text, StringRef choices) {
  SmallVector<StringRef, 4> words;
  choices.split(words, '|');
  return is_contained(words, text);
}

/// Numbers are counts: whole, and not negative.
std::optional<std::string> problem_of(const Parameter &parameter, const json &value) {
  switch (parameter.kind) {
  case ParameterKind::Number:
    if (!value.is_number_unsigned())
      return fmt::format("'{}' has to be a whole number from 0", parameter.name);
    break;
  case ParameterKind::Flag:
    if (!value.is_boolean())
      return fmt::format("'{}' has to be true or false", parameter.name);
    break;
  case ParameterKind::List:
  case ParameterKind::Bodies:
    if (!value.is_array())
      return fmt::format("'{}' has to be a list", parameter.name);
    break;
  case ParameterKind::Target:
    if (!value.is_number_unsigned() &&
        !(value.is_string() && (is_choice(value.get_ref<const json::string_t &>(), parameter.choices) ||
                                is_number(value.get_ref<const json::string_t &>()))))
      return fmt::format("'{}' has to be one of {}, or the number of a version", parameter.name, parameter.choices);
    break;
  case ParameterKind::RequestId:
    if (!value.is_number() && !value.is_string())
      return fmt::format("'{}' has to be the id of a request", parameter.name);
    break;
  case ParameterKind::Text:
  case ParameterKind::Code:
    if (!value.is_string())
      return fmt::format("'{}' has to be a text", parameter.name);
    if (parameter.choices && !is_choice(value.get_ref<const json::string_t &>(), parameter.choices))
      return fmt::format("'{}' has to be one of {}", parameter.name, parameter.choices);
    break;
  }
  return std::nullopt;
}

std::optional<std::string> problem_of(const Method &method, const json &parameters) {
  for (const auto &[name, value] : parameters.items()) {
    const auto *known = find_if(method.parameters, [&](const Parameter &parameter) { return name == parameter.name; });
    if (known == method.parameters.end())
      return fmt::format("'{}' has no parameter '{}'", method.name, name);
    if (auto problem = problem_of(*known, value))
      return problem;
  }
  for (const Parameter &parameter : method.parameters)
    if (parameter.is_needed && !parameters.contains(parameter.name))
      return fmt::format("'{}' needs a parameter '{}'", method.name, parameter.name);
  return std::nullopt;
}

} // namespace

ArrayRef<Method> methods() { return table; }

std::variant<const Method *, RpcError> method_of(const RpcRequest &request, bool is_read_only) {
  const auto *method = find_if(table, [&](const Method &known) { return request.method == known.name; });
  if (method == std::end(table))
    return RpcError{RpcCode::NoMethod, fmt::format("there is no method '{}'; docs/control.md lists them",
                                                   StringRef(request.method).take_front(longest_id).str())};
  if (is_read_only && method->access == Access::Change)
    return RpcError{RpcCode::ReadOnly,
                    fmt::format("'{}' changes the program, and this one is only to be looked at", method->name)};
  if (auto problem = problem_of(*method, request.parameters))
    return RpcError{RpcCode::BadParameters, std::move(*problem)};
  return method;
}

std::string text_of(const RpcRequest &request, const char *name, StringRef usual) {
  auto found = request.parameters.find(name);
  return found == request.parameters.end() ? usual.str() : found->get_ref<const json::string_t &>();
}

std::optional<std::uint64_t> number_of(const RpcRequest &request, const char *name) {
  auto found = request.parameters.find(name);
  return found == request.parameters.end() ? std::nullopt : std::optional(found->get<std::uint64_t>());
}

bool flag_of(const RpcRequest &request, const char *name) {
  auto found = request.parameters.find(name);
  return found != request.parameters.end() && found->get<bool>();
}

llvm::Expected<std::optional<pid_t>> thread_of(const RpcRequest &request) {
  const std::optional<std::uint64_t> number = number_of(request, "thread");
  if (!number)
    return std::nullopt;
  if (*number > std::uint64_t(std::numeric_limits<pid_t>::max()))
    return make_error(ErrorCode::Unknown, "there is no thread {} of the program; 'threads' lists them", *number);
  return pid_t(*number);
}

} // namespace osr
