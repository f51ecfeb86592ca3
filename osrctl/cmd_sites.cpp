// osrctl sites: the site table, which is the same for every tier.
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/select_version.h"
#include "runtime/inspect/code_text.h"

#include <cstdio>

using namespace llvm;

namespace osr {
namespace {

struct SitesOptions {
  std::vector<std::string> program;
  std::string function;
};

int sites(const SitesOptions &options) {
  LLVMContext context;
  auto compiler = load_compiler(context, options.program);
  if (!compiler)
    return report(compiler.takeError());
  const CanonicalProgram &program = (*compiler)->program();
  std::string text;
  if (!options.function.empty()) {
    auto function = find_function(program, options.function);
    if (!function)
      return report(function.takeError());
    text = text_of(**function);
  } else {
    for (const FunctionInfo &function : program.functions)
      text += text_of(function);
  }
  return print(text);
}

} // namespace

void add_sites(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("sites", "List functions, their sites and the frame state at each");
  auto options = std::make_shared<SitesOptions>();
  command->add_option("--function", options->function, "Only this function");
  add_program_option(*command, options->program);
  command->footer("Example:\n  osrctl sites --function fib fib.bc");
  command->callback([=, &chosen] { chosen = [=](const std::vector<std::string> &) { return sites(*options); }; });
}

} // namespace osr
