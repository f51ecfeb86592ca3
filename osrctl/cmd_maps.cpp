// osrctl maps: the machine code of one version, with the stack map record of each return PC.
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/load_runtime.h"
#include "osrctl/select_version.h"
#include "runtime/inspect/code_text.h"

#include <cstdio>

using namespace llvm;

namespace osr {
namespace {

struct MapsOptions {
  std::vector<std::string> program;
  std::vector<std::string> libraries;
  VersionOptions version;
  bool records_only = false;
};

int maps(const MapsOptions &options) {
  if (Error error = check_version_options(options.version))
    return report_usage(std::move(error));
  LLVMContext context;
  auto runtime = load_runtime(context, options.program, options.libraries);
  if (!runtime)
    return report(runtime.takeError());
  auto key = select_version((*runtime)->engine().program(), options.version);
  if (!key)
    return report(key.takeError());
  const AloneWithEngine alone;
  auto version = (*runtime)->engine().maker().find_or_compile(*key);
  if (!version)
    return report(version.takeError());
  auto text =
      text_of((*runtime)->engine(), (*version)->object, options.records_only ? CodeParts::Records : CodeParts::All);
  return text ? print(*text) : report(text.takeError());
}

} // namespace

void add_maps(CLI::App &app, Action &chosen) {
  auto *command = app.add_subcommand("maps", "Print the machine code of one version with its stack map records");
  auto options = std::make_shared<MapsOptions>();
  add_version_options(*command, options->version, CanonicalTier::No);
  command->add_flag("--records", options->records_only, "Print the records without the code");
  add_library_option(*command, options->libraries);
  add_program_option(*command, options->program);
  command->footer("Example:\n  osrctl maps --function fib --tier optimized --continuation 0 fib.bc");
  command->callback([=, &chosen] { chosen = [=](const std::vector<std::string> &) { return maps(*options); }; });
}

} // namespace osr
