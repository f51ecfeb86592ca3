#include "osrctl/attach_text.h"

#include "osrctl/function_names.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vector>

using nlohmann::json;

namespace osr {
std::string text_at(const json &object, const char *key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? printable(found->get<std::string>()) : "";
}

std::string function_at(const json &object, const char *key) { return readable_function(text_at(object, key)); }

std::uint64_t number_at(const json &object, const char *key) {
  auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

json list_at(const json &object, const char *key) { return object.value(key, json::array()); }

/// Rows of words in columns as wide as their longest word; the last one as it is.
std::string columns(const std::vector<std::vector<std::string>> &rows) {
  std::vector<std::size_t> widths;
  for (const auto &row : rows)
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      widths.resize(std::max(widths.size(), i + 1));
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (std::size_t i = 0; i != row.size(); ++i)
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string version_text(const json &version) {
  std::string text = text_at(version, "tier");
  if (version.contains("continuation_of_site"))
    text = fmt::format("continuation of #{}", number_at(version, "continuation_of_site"));
  const std::string state = text_at(version, "state");
  return state == "in use" || state.empty() ? text : text + ", " + state;
}

std::string printable(const std::string &text) {
  std::string result;
  for (char c : text)
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return result;
}

std::string printable_lines(const std::string &text) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result += printable(text.substr(begin, end - begin)) + '\n';
    begin = end + 1;
  }
  return result;
}

std::string print_duration(std::uint64_t seconds) {
  const std::uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (days)
    return fmt::format("{} d {} h", days, hours % 24);
  if (hours)
    return fmt::format("{} h {} min", hours, minutes % 60);
  if (minutes)
    return fmt::format("{} min {} s", minutes, seconds % 60);
  return fmt::format("{} s", seconds);
}

std::string print_status(const json &status) {
  const json versions = status.value("versions", json::object());
  return columns({
      {"process", fmt::format("{} of user {}", number_at(status, "pid"), number_at(status, "user"))},
      {"up", print_duration(number_at(status, "up_seconds"))},
      {"threads", std::to_string(number_at(status, "threads"))},
      {"functions", std::to_string(number_at(status, "functions"))},
      {"versions", fmt::format("{} baseline, {} optimized, {} continuations, {} being left",
                               number_at(versions, "baseline"), number_at(versions, "optimized"),
                               number_at(versions, "continuation"), number_at(versions, "leaving"))},
      {"code", fmt::format("{} bytes", number_at(status, "code_bytes"))},
      {"policy", text_at(status, "policy")},
  });
}

std::string print_functions(const json &result) {
  std::vector<std::vector<std::string>> rows{{"FUNCTION", "TIER", "CODE", "SITES", "HEAT", ""}};
  const json functions = list_at(result, "functions");
  for (const json &function : functions)
    rows.push_back({function_at(function, "function"), text_at(function, "tier"),
                    std::to_string(number_at(function, "code_bytes")),
                    function.contains("sites") ? std::to_string(number_at(function, "sites")) : "",
                    std::to_string(number_at(function, "heat")),
                    function.contains("pinned") ? "never replaced: it " + text_at(function, "pinned") : ""});
  std::string text = columns(rows);
  if (number_at(result, "total") > functions.size())
    text += fmt::format("{} more (--limit N)\n", number_at(result, "total") - functions.size());
  return text;
}

namespace {

/// A line for each.
std::string guesses_text(const json &guesses) {
  std::vector<std::vector<std::string>> rows;
  for (const json &guess : guesses) {
    std::string reasons;
    const json failed = guess.value("failed", json::object());
    for (const auto &[reason, count] : failed.items())
      reasons += fmt::format("{}{} times {}", reasons.empty() ? "" : ", ", count.dump(), printable(reason));
    const std::string line =
        guess.contains("line") ? fmt::format("{}:{}", text_at(guess, "file"), number_at(guess, "line")) : "";
    rows.push_back({fmt::format("  {}#{}", function_at(guess, "function"), number_at(guess, "site")), line, reasons,
                    guess.value("dropped", false) ? "not assumed any more" : ""});
  }
  return columns(rows);
}

} // namespace

std::string print_speculation(const json &result) {
  return fmt::format(
             "{}; {} activations left code that was wrong, {} guesses are not made any more, {} versions went out of "
             "use for that\n",
             result.value("speculates", false) ? "code is made for what baseline code has counted"
                                               : "nothing is guessed but what guards say",
             number_at(result, "failed"), number_at(result, "dropped"), number_at(result, "invalidated")) +
         guesses_text(list_at(result, "guesses"));
}

std::string print_function(const json &result) {
  std::string text = fmt::format("{}: {} sites, {} bytes of code", function_at(result, "function"),
                                 number_at(result, "sites"), number_at(result, "code_bytes"));
  text += result.contains("heat") ? fmt::format(", noticed {} times\n", number_at(result, "heat")) : "\n";
  if (result.contains("pinned"))
    text += fmt::format("never replaced because it {}\n", text_at(result, "pinned"));
  if (result.contains("not_optimized"))
    text += fmt::format("not optimised: {}\n", text_at(result, "not_optimized"));
  if (result.contains("held"))
    text += fmt::format("held in {} code\n", text_at(result, "held"));
  if (const json guesses = list_at(result, "guesses"); !guesses.empty())
    text += "wrong guesses:\n" + guesses_text(guesses);
  for (const json &holder : list_at(result, "inlined_in"))
    if (holder.is_string())
      text += fmt::format("inlined in {}\n", readable_function(printable(holder.get<std::string>())));
  std::vector<std::vector<std::string>> rows;
  for (const json &version : list_at(result, "versions"))
    rows.push_back({fmt::format("  {}", number_at(version, "id")), version_text(version),
                    fmt::format("{:#x}", number_at(version, "address")),
                    fmt::format("{} bytes", number_at(version, "code_bytes")),
                    fmt::format("{} sites", number_at(version, "sites")),
                    version.value("calls_enter", false) ? "calls enter it" : ""});
  return text + columns(rows);
}

std::string activations_text(std::uint64_t count, const std::string &where) {
  return count == 1 ? fmt::format("1 activation goes on {}", where)
                    : fmt::format("{} activations go on {}", count, where);
}

std::string print_replaced(const json &outcome) {
  std::string text = activations_text(number_at(outcome, "rewritten"), "in the new code");
  if (const auto count = number_at(outcome, "at_polls"))
    text += fmt::format(", {} of them from the poll of a loop", count);
  text += fmt::format("; {} had been told before", number_at(outcome, "already"));
  if (const auto count = number_at(outcome, "running"))
    text += fmt::format("; {} are between two sites and follow", count);
  const auto stops = number_at(outcome, "stops");
  text += fmt::format("\n{} stop{}, the longest {:.1f} us\n", stops, stops == 1 ? "" : "s",
                      outcome.value("longest_pause_seconds", 0.0) * 1e6);
  const json refused = outcome.value("refused", json::object());
  for (const auto &[reason, count] : refused.items())
    text += fmt::format("{} stay: {}\n", count.dump(), printable(reason));
  return text;
}

std::string print_event(const json &event) {
  std::string text = fmt::format("{:.6f} {:<9} {}", event.value("at_seconds", 0.0), text_at(event, "kind"),
                                 function_at(event, "name"));
  const json what = event.value("what", json::object());
  for (const auto &[key, value] : what.items())
    text += fmt::format("  {} {}", key, printable(value.is_string() ? value.get<std::string>() : value.dump()));
  if (event.contains("took_us"))
    text += fmt::format("  {:.0f} us", event.value("took_us", 0.0));
  return text + '\n';
}

std::string print_events(const json &result) {
  std::string text;
  for (const json &event : list_at(result, "events"))
    text += print_event(event);
  if (const auto count = number_at(result, "left_out"))
    text += fmt::format("{} events left out\n", count);
  return text;
}

std::string print_traced(const json &result) {
  const std::string file = text_at(result, "file");
  return file.empty() ? "the trace is complete\n" : fmt::format("what happens is written to {}\n", file);
}

std::string print_reclaimed(const json &result) {
  return result.value("something_waits", false) ? "some old code has activations left\n" : "no old code is left\n";
}

std::string print_plain(const json &result) { return result.dump(2) + '\n'; }

} // namespace osr
