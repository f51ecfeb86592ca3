// osrctl sites: the site table, which is the same for every tier.
#include "osrctl/commands.h"
#include "osrctl/load_input.h"
#include "osrctl/select_version.h"

#include <fmt/format.h>

#include <cstdio>

using namespace llvm;

namespace osr {
namespace {

struct SitesOptions {
  std::vector<std::string> program;
  std::string function;
};

std::string text_of(const ResultRegisters &registers) {
  std::string text;
  auto add = [&](const std::string &word) { text += (text.empty() ? "" : ", ") + word; };
  if (registers.general)
    add("general");
  if (registers.vector_bytes)
    add(fmt::format("vector of {} bytes", registers.vector_bytes));
  if (registers.x87)
    add(fmt::format("x87 x {}", registers.x87));
  return text.empty() ? "no registers" : text;
}

std::string text_of(const Site &site) {
  std::string text = fmt::format("  #{}: {}, result {} in {}{}\n", site.id.index,
                                 site.callee.empty() ? "indirect call" : "call of " + site.callee, site.result_type,
                                 text_of(site.result), site.result_used ? "" : " (not used)");
  if (!site.is_replaceable())
    text += fmt::format("    refused: {}\n", osr::to_string(site.refusal));
  for (std::size_t i = 0; i < site.state.size(); ++i) {
    const FrameStateValue &value = site.state[i];
    text += fmt::format("    {}: {} {}, {} bytes\n", i, value.name.empty() ? "(unnamed)" : "%" + value.name, value.type,
                        value.size);
  }
  return text;
}

std::string text_of(const FunctionInfo &function) {
  if (function.pinned != PinReason::None)
    return fmt::format("{} {}: pinned, it {}\n", function.id, function.name, to_string(function.pinned));
  std::string text = fmt::format("{} {}: {} site{}\n", function.id, function.name, function.sites.size(),
                                 function.sites.size() == 1 ? "" : "s");
  for (const Site &site : function.sites)
    text += text_of(site);
  return text;
}

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
