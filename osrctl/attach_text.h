// Answers of a running program, for people.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

std::string print_status(const nlohmann::json &status);
std::string print_threads(const nlohmann::json &result);
std::string print_stack(const nlohmann::json &result);
std::string print_functions(const nlohmann::json &result);
std::string print_function(const nlohmann::json &result);
std::string print_sites(const nlohmann::json &result);
std::string print_code(const nlohmann::json &result);
std::string print_ir(const nlohmann::json &result);
std::string print_perf_map(const nlohmann::json &result);
std::string print_debug_info(const nlohmann::json &result);
std::string print_replaced(const nlohmann::json &outcome);
std::string print_redefined(const nlohmann::json &outcome);
std::string print_reverted(const nlohmann::json &outcome);
std::string print_patched(const nlohmann::json &outcome);
std::string print_patches(const nlohmann::json &result);
std::string print_forced(const nlohmann::json &result);
std::string print_event(const nlohmann::json &event);
std::string print_events(const nlohmann::json &result);
std::string print_speculation(const nlohmann::json &result);
std::string print_traced(const nlohmann::json &result);
std::string print_reclaimed(const nlohmann::json &result);
/// As it came, indented.
std::string print_plain(const nlohmann::json &result);

/// "2 d 3 h", "4 min 5 s".
std::string print_duration(std::uint64_t seconds);

/// "3 activations go on in ...".
std::string activations_text(std::uint64_t count, const std::string &where);

// Parts of an answer; what is missing or of another kind is empty.
std::string text_at(const nlohmann::json &object, const char *key);
/// The name of a function, as the source has it.
std::string function_at(const nlohmann::json &object, const char *key);
std::uint64_t number_at(const nlohmann::json &object, const char *key);
nlohmann::json list_at(const nlohmann::json &object, const char *key);
std::string version_text(const nlohmann::json &version);
/// Rows of words in columns as wide as their longest word; the last one of each as it is.
std::string columns(const std::vector<std::vector<std::string>> &rows);

/// Control characters of somebody else's are not for a terminal.
std::string printable(const std::string &text);
/// The same of a text of several lines.
std::string printable_lines(const std::string &text);

} // namespace osr
