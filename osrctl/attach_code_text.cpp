// A function's code, for people.
#include "osrctl/attach_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace osr {
namespace {

/// text_at() makes one line of it.
std::string lines_at(const json &object, const char *key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? printable_lines(found->get<std::string>()) : "";
}

} // namespace

std::string print_sites(const json &result) { return lines_at(result, "text"); }

std::string print_code(const json &result) {
  std::string text;
  for (const json &version : list_at(result, "versions"))
    text += fmt::format("version {} at {:#x}: {}", number_at(version, "id"), number_at(version, "address"),
                        lines_at(version, "text"));
  return text.empty() ? fmt::format("there is no code of '{}'\n", text_at(result, "function")) : text;
}

std::string print_ir(const json &result) { return lines_at(result, "ir"); }

std::string print_perf_map(const json &result) {
  return fmt::format("{} versions are named in {}\n", number_at(result, "versions"), text_at(result, "file"));
}

std::string print_debug_info(const json &result) {
  return fmt::format("debuggers know the variables of {} versions, and of those that come\n",
                     number_at(result, "versions"));
}

} // namespace osr
