// Stacks of a running program, for people.
#include "osrctl/attach_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <vector>

using nlohmann::json;

namespace osr {
namespace {

std::string where_text(const json &frame) {
  std::string text;
  if (frame.contains("site")) {
    const std::string callee = function_at(frame, "calls");
    text = fmt::format("#{} calls {}", number_at(frame, "site"), callee.empty() ? "by pointer" : callee);
  }
  if (frame.value("running", false))
    text += "running";
  for (const json &to : list_at(frame, "waits_for"))
    text += fmt::format("{}goes on in {}", text.empty() ? "" : ", ", version_text(to));
  return text;
}

/// Without its folders: it says where the program is not.
std::string library_text(const json &frame) {
  const std::string path = text_at(frame, "library");
  return path.empty() ? "the runtime" : path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

std::vector<std::string> frame_row(std::size_t number, const json &frame) {
  std::string name = function_at(frame, "function");
  if (name.empty())
    name = fmt::format("{:#x}", number_at(frame, "pc"));
  std::string version = frame.contains("version") ? version_text(frame["version"]) : "";
  if (frame.value("inlined", false))
    version = "inlined";
  if (frame.value("foreign", false))
    version = "in " + library_text(frame);
  if (frame.value("old_body", false))
    version += ", old body";
  const std::string line =
      frame.contains("line") ? fmt::format("{}:{}", text_at(frame, "file"), number_at(frame, "line")) : "";
  return {fmt::format("  {}", number), name, version, line, where_text(frame)};
}

/// "total = 42", as a debugger says it.
std::string variable_text(const json &variable, const json &lines) {
  std::string text;
  if (const std::uint64_t inlined = number_at(variable, "inlined_in"); inlined || lines.size() > 1)
    text = inlined < lines.size() ? text_at(lines[inlined], "function") + ": " : "";
  text += text_at(variable, "name");
  const std::string type = text_at(variable, "type");
  if (!variable.contains("value") || variable["value"].is_null())
    return variable.contains("address") ? fmt::format("{} at {} ({})", text, text_at(variable, "address"), type)
                                        : fmt::format("{} is not live here ({})", text, type);
  const json &value = variable["value"];
  std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
  if (value.is_number_integer() && type.ends_with("char") && value >= ' ' && value <= '~')
    shown += fmt::format(" '{}'", char(value.get<int>()));
  return fmt::format("{} = {} ({})", text, printable(shown), type);
}

/// Of two that have one name it is said where they are declared.
void add_variables(const json &frame, std::vector<std::vector<std::string>> &rows) {
  const json variables = list_at(frame, "variables");
  std::map<std::pair<std::uint64_t, std::string>, unsigned> count;
  for (const json &variable : variables)
    ++count[{number_at(variable, "inlined_in"), text_at(variable, "name")}];
  for (const json &variable : variables) {
    const bool has_twin = count[{number_at(variable, "inlined_in"), text_at(variable, "name")}] > 1;
    rows.push_back({"       " + variable_text(variable, list_at(frame, "lines")) +
                    (has_twin ? fmt::format(", declared in line {}", number_at(variable, "declared")) : "")});
  }
}

} // namespace

std::string print_threads(const json &result) {
  std::vector<std::vector<std::string>> rows;
  for (const json &thread : list_at(result, "threads")) {
    const json newest = thread.value("newest", json::object());
    rows.push_back({std::to_string(number_at(thread, "thread")), text_at(thread, "role"), text_at(thread, "name"),
                    newest.empty() ? "outside of the program" : function_at(newest, "function"),
                    newest.contains("version") ? version_text(newest["version"]) : "", where_text(newest)});
  }
  std::string text = columns(rows);
  if (const auto waiting = number_at(result, "waiting"))
    text += fmt::format("{} stack{} that no thread is on wait{}; 'stack all' shows them\n", waiting,
                        waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
  return text;
}

std::string print_stack(const json &result) {
  std::string text;
  for (const json &thread : list_at(result, "threads")) {
    if (thread.value("waits", false))
      text += fmt::format("a stack that waits, left by thread {}\n", number_at(thread, "thread"));
    else
      text += fmt::format("thread {}, {}, {}\n", number_at(thread, "thread"), text_at(thread, "role"),
                          text_at(thread, "name"));
    std::vector<std::vector<std::string>> rows;
    std::size_t number = 0;
    for (const json &frame : list_at(thread, "frames")) {
      rows.push_back(frame_row(number++, frame));
      add_variables(frame, rows);
    }
    text += !rows.empty() ? columns(rows) : thread.contains("incomplete") ? "" : "  outside of the program\n";
    if (thread.value("older_frames_left_out", false))
      text += "  ... (--depth N shows more)\n";
    if (thread.contains("incomplete"))
      text += fmt::format("  not the whole stack: {}\n", text_at(thread, "incomplete"));
  }
  if (const auto left_out = number_at(result, "waiting_left_out"))
    text += fmt::format("{} more stacks wait\n", left_out);
  return text;
}

} // namespace osr
