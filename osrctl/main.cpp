#include "osr/version.h"
#include "osrctl/commands.h"

#include <fmt/format.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/Errno.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace {

/// CLI11's own text does not say which verb is unknown.
std::string usage_error(const CLI::App *app, const CLI::Error &error) {
  std::string problem = error.what(), verb;
  if (!app->get_subcommands().empty())
    verb = app->get_subcommands().front()->get_name() + " ";
  else if (std::vector<std::string> words = app->remaining(); !words.empty())
    problem = fmt::format("'{}' is no verb of osrctl", words.front());
  else
    problem = "no verb was given";
  return fmt::format("osrctl: {}; see 'osrctl {}--help'\n", problem, verb);
}

/// What a verb printed may still be in a buffer, and the disk may be full.
int finish_output(int status) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout))
    return status;
  fmt::print(stderr, "osrctl: cannot write to stdout: {}\n", llvm::sys::StrError());
  return osr::exit_failure;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Runs LLVM programs and replaces their running activations.", "osrctl");
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("osrctl {} (LLVM {})", OSR_VERSION, LLVM_VERSION_STRING));
  app.footer("Exit status: that of the program (run); 1 if the request cannot be carried out, 2 if it makes no sense.\n"
             "'osrctl VERB --help' shows the options of a verb and an example.");
  app.failure_message(usage_error);
  osr::Action chosen;
  osr::add_run(app, chosen);
  osr::add_sites(app, chosen);
  osr::add_lower(app, chosen);
  osr::add_maps(app, chosen);
  osr::add_code(app, chosen);
  osr::add_bisect(app, chosen);
  osr::add_bench(app, chosen);
  osr::add_ps(app, chosen);
  osr::add_attach(app, chosen);
  osr::add_print(app, chosen);
  // What stands behind `--` belongs to the program: CLI11 would take it for further modules.
  int own = int(std::find_if(argv, argv + argc, [](const char *word) { return std::strcmp(word, "--") == 0; }) - argv);
  try {
    app.parse(own, argv);
  } catch (const CLI::ParseError &error) {
    int status = app.exit(error);
    return status == 0 ? 0 : osr::exit_usage;
  }
  std::vector<std::string> arguments(std::min(argv + own + 1, argv + argc), argv + argc);
  const std::string verb = app.get_subcommands().front()->get_name();
  if (!arguments.empty() && !osr::runs_program(verb)) {
    std::fprintf(stderr, "osrctl: '%s' does not run the program: leave out what stands behind --\n", verb.c_str());
    return osr::exit_usage;
  }
  return finish_output(chosen(arguments));
}
