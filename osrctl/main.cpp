#include "osrctl/commands.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace {

/// Verbs that run the program take arguments for it.
bool runs_program(const CLI::App &app) { return app.got_subcommand("run") || app.got_subcommand("bisect"); }

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Runs LLVM programs and replaces their running activations.", "osrctl");
  app.require_subcommand(1);
  app.footer("Exit status: that of the program (run); 1 if the request cannot be carried out, 2 if it makes no sense.\n"
             "'osrctl VERB --help' shows the options of a verb and an example.");
  osr::Action chosen;
  osr::add_run(app, chosen);
  osr::add_sites(app, chosen);
  osr::add_lower(app, chosen);
  osr::add_maps(app, chosen);
  osr::add_code(app, chosen);
  osr::add_bisect(app, chosen);
  // What stands behind `--` belongs to the program: CLI11 would take it for further modules.
  int own = int(std::find_if(argv, argv + argc, [](const char *word) { return std::strcmp(word, "--") == 0; }) - argv);
  try {
    app.parse(own, argv);
  } catch (const CLI::ParseError &error) {
    int status = app.exit(error);
    return status == 0 ? 0 : osr::exit_usage;
  }
  std::vector<std::string> arguments(std::min(argv + own + 1, argv + argc), argv + argc);
  if (!arguments.empty() && !runs_program(app)) {
    std::fprintf(stderr, "osrctl: '%s' does not run the program: leave out what stands behind --\n",
                 app.get_subcommands().front()->get_name().c_str());
    return osr::exit_usage;
  }
  return chosen(arguments);
}
