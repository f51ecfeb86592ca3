// Answers of a running program, for people.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace osr {

std::string print_status(const nlohmann::json &status);
std::string print_threads(const nlohmann::json &result);
std::string print_stack(const nlohmann::json &result);
std::string print_functions(const nlohmann::json &result);
std::string print_function(const nlohmann::json &result);
std::string print_replaced(const nlohmann::json &outcome);
std::string print_redefined(const nlohmann::json &outcome);
std::string print_event(const nlohmann::json &event);
std::string print_events(const nlohmann::json &result);
std::string print_reclaimed(const nlohmann::json &result);
/// As it came, indented.
std::string print_plain(const nlohmann::json &result);

/// "2 d 3 h", "4 min 5 s".
std::string print_duration(std::uint64_t seconds);

/// Control characters of somebody else's are not for a terminal.
std::string printable(const std::string &text);

} // namespace osr
