// What the command line understands, taken from CLI11 and the table of attach's commands: the manual page and the completions of
// shells are made of it, so they say what osrctl does.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace osr {

struct OptionText {
  std::vector<std::string> names; ///< with their dashes; of a positional its one name
  std::string value; ///< what follows it, for people; empty: nothing
  std::vector<std::string> choices; ///< all words that may follow it; empty: any
  std::string what; ///< it is for
};

/// A verb of osrctl, or a command of `osrctl attach`.
struct CommandText {
  std::string name;
  std::string usage; ///< behind `osrctl`
  std::string what;
  std::vector<OptionText> options, positionals;
  std::string notes; ///< ends with an example
};

struct CommandTable {
  CommandText program; ///< osrctl itself
  std::vector<CommandText> verbs;
  std::vector<CommandText> attach; ///< what can be said behind `osrctl attach TARGET`
};

CommandTable describe_commands(const CLI::App &app);

/// In roff, for man(1).
std::string manual_page(const CommandTable &table, const std::string &version);

std::string bash_completion(const CommandTable &table);
std::string zsh_completion(const CommandTable &table);
std::string fish_completion(const CommandTable &table);

} // namespace osr
