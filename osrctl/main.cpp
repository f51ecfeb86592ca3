#include "osrctl/commands.h"

#include <algorithm>
#include <cstring>

int main(int argc, char **argv) {
  CLI::App app("Runs LLVM programs and replaces their running activations.", "osrctl");
  app.require_subcommand(1);
  osr::Action chosen;
  osr::add_run(app, chosen);
  // What stands behind `--` belongs to the program: CLI11 would take it for further modules.
  int own = int(std::find_if(argv, argv + argc, [](const char *word) { return std::strcmp(word, "--") == 0; }) - argv);
  try {
    app.parse(own, argv);
  } catch (const CLI::ParseError &error) {
    int status = app.exit(error);
    return status == 0 ? 0 : osr::exit_usage;
  }
  std::vector<std::string> arguments(std::min(argv + own + 1, argv + argc), argv + argc);
  return chosen(arguments);
}
