// New bodies of a running program's functions, and who still runs old ones, for people.
#include "osrctl/attach_text.h"
#include "osrctl/function_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vector>

using nlohmann::json;

namespace osr {
namespace {

std::string print_moved(const json &outcome, const std::string &which) {
  const json old_body = outcome.value("old_body", json::object());
  std::string text =
      activations_text(number_at(old_body, "rewritten"), "in " + which) + "; all others end in the old code\n";
  if (const auto count = number_at(old_body, "running"))
    text += fmt::format("{} are between two sites and follow\n", count);
  const json refused = old_body.value("refused", json::object());
  for (const auto &[reason, count] : refused.items())
    text += fmt::format("{} stay: {}\n", count.dump(), printable(reason));
  return text;
}

std::string names_of(const json &functions) {
  std::vector<std::string> names;
  for (const json &name : functions)
    if (name.is_string())
      names.push_back(readable_function(printable(name.get<std::string>())));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string hook_text(const json &outcome, const char *when) {
  if (!outcome.contains(when))
    return "";
  const json hook = outcome[when];
  if (const std::string problem = text_at(hook, "problem"); !problem.empty())
    return fmt::format("{} the patch, which is made: {}\n", when, problem);
  const std::string returned =
      hook.contains("value") ? fmt::format("returned {}", hook["value"].dump()) : "has returned";
  return fmt::format("the hook {} {} {} it\n", function_at(hook, "function"), returned, when);
}

std::string numbers_of(const json &numbers) {
  std::vector<std::string> texts;
  for (const json &number : numbers)
    texts.push_back(number.dump());
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// "answer:12", as a debugger says it.
std::string place_of(const json &activation) {
  const std::string function = function_at(activation, "function");
  return activation.contains("line") ? fmt::format("{}:{}", function, number_at(activation, "line")) : function;
}

std::string old_activation_text(const json &activation) {
  const json lacks = list_at(activation, "lacks");
  std::string text = fmt::format("  waits in {}", place_of(activation));
  if (activation.contains("calls")) {
    const std::string callee = function_at(activation, "calls");
    text += fmt::format(", in the call {}", callee.empty() ? "by pointer" : "of " + callee);
  }
  text += lacks.empty() ? ": a body that was taken back or redefined" : ": lacks patch " + numbers_of(lacks);
  if (activation.value("goes_on", false))
    text += ", and goes on in the new body";
  if (const std::string reason = text_at(activation, "reason"); !reason.empty())
    text += " (" + reason + ")";
  return text + '\n';
}

std::string print_one(const json &outcome, const std::string &runs, const char *other) {
  const bool has_same_shape = outcome.value("same_shape", false);
  return fmt::format("calls to come run {}; {} versions that rested on {} are out of use\n", runs,
                     number_at(outcome, "invalidated"), other) +
         print_moved(outcome, runs + (has_same_shape ? fmt::format(", which has the shape of {}", other) : ""));
}

std::string print_several(const json &outcome, const std::string &run, const char *others) {
  return fmt::format("calls to come run {} of {}; {} versions that rested on {} are out of use\n", run,
                     names_of(list_at(outcome, "functions")), number_at(outcome, "invalidated"), others) +
         print_moved(outcome, run) + hook_text(outcome, "before") + hook_text(outcome, "after");
}

} // namespace

std::string print_redefined(const json &outcome) {
  return outcome.contains("functions") ? print_patched(outcome) : print_one(outcome, "the new body", "the old one");
}

std::string print_patched(const json &outcome) { return print_several(outcome, "the new bodies", "old ones"); }

std::string print_reverted(const json &outcome) {
  return outcome.contains("functions") ? print_several(outcome, "the bodies before", "the newer ones")
                                       : print_one(outcome, "the body before", "the newer one");
}

std::string print_patches(const json &result) {
  std::string text;
  for (const json &patch : list_at(result, "patches")) {
    text += fmt::format("patch {}: {}", number_at(patch, "number"), names_of(list_at(patch, "functions")));
    if (patch.value("waits", false))
      text += patch.value("goes_back", false) ? "; waits to be taken back" : "; waits to be made";
    text += '\n';
  }
  if (text.empty())
    text = "no patch can be taken back\n";
  for (const json &thread : list_at(result, "threads")) {
    text += fmt::format("thread {}, {}, {}: {}\n", number_at(thread, "thread"), text_at(thread, "role"),
                        text_at(thread, "name"), thread.value("patched", false) ? "patched" : "not patched");
    for (const json &activation : list_at(thread, "old"))
      text += old_activation_text(activation);
  }
  return text;
}

std::string print_forced(const json &result) {
  const json forced = list_at(result, "forced");
  return forced.empty() ? "nothing waits\n" : fmt::format("patch {} waits no more\n", numbers_of(forced));
}

} // namespace osr
