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
    program.module->getFunction(options.version.function)->print(outs());
    return 0;
  }
  auto text = (*compiler)->print_ir(*key);
  if (!text)
    return report(text.takeError());
  outs() << *text;
  return 0;
}

} // namespace

void add_lower(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("lower", "Print the IR of one function at one stage");
  auto options = std::make_shared<LowerOptions>();
  add_version_options(*command, options->version, CanonicalTier::Yes);
  command->add_option("program", options->program, "Bitcode or text IR; several modules are linked")->required();
  command->footer("Example:\n  osrctl lower --function fib --tier baseline fib.bc");
  command->callback([=, &chosen] { chosen = [=](const std::vector<std::string> &) { return lower(*options); }; });
}

} // namespace osr
