// The verbs of osrctl. Each adds its options to the command line and, when chosen, returns the exit status.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace osr {

inline constexpr int exit_failure = 1; ///< the request cannot be carried out
inline constexpr int exit_usage = 2;   ///< the request makes no sense

/// What stands behind `--` is the program's.
inline bool runs_program(const std::string &verb) { return verb == "run" || verb == "bisect" || verb == "bench"; }

/// What main runs after the command line was parsed. The words behind `--` are the program's arguments.
using Action = std::function<int(const std::vector<std::string> &arguments)>;

void add_run(CLI::App &app, Action &chosen);
void add_sites(CLI::App &app, Action &chosen);
void add_lower(CLI::App &app, Action &chosen);
void add_maps(CLI::App &app, Action &chosen);
void add_code(CLI::App &app, Action &chosen);
void add_bisect(CLI::App &app, Action &chosen);
void add_bench(CLI::App &app, Action &chosen);
void add_ps(CLI::App &app, Action &chosen);
void add_attach(CLI::App &app, Action &chosen);
void add_print(CLI::App &app, Action &chosen);

} // namespace osr
