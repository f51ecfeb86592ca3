// osrctl lower: the IR of one function at one stage.
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/select_version.h"

#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

struct LowerOptions {
  std::vector<std::string> program;
  VersionOptions version;
};

int lower(const LowerOptions &options) {
  if (Error error = check_version_options(options.version))
    return report_usage(std::move(error));
  LLVMContext context;
  auto compiler = load_compiler(context, options.program);
  if (!compiler)
    return report(compiler.takeError());
  const CanonicalProgram &program = (*compiler)->program();
  auto key = select_version(program, options.version);
  if (!key)
    return report(key.takeError());
  if (options.version.tier == "canonical") {
    std::string text;
    raw_string_ostream stream(text);
    program.module->getFunction(options.version.function)->print(stream);
    return print(text);
  }
  const AloneWithEngine alone;
  auto text = (*compiler)->print_ir(*key);
  return text ? print(*text) : report(text.takeError());
}

} // namespace

void add_lower(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("lower", "Print the IR of one function at one stage");
  auto options = std::make_shared<LowerOptions>();
  add_version_options(*command, options->version, CanonicalTier::Yes);
  add_program_option(*command, options->program);
  command->footer("Example:\n  osrctl lower --function fib --tier baseline fib.bc");
  command->callback([=, &chosen] { chosen = [=](const std::vector<std::string> &) { return lower(*options); }; });
}

} // namespace osr
