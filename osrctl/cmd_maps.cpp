// osrctl maps: the machine code of one version, with the stack map record of each return PC.
#include "osrctl/commands.h"
#include "osrctl/disassembly.h"
#include "osrctl/load_input.h"
#include "osrctl/load_runtime.h"
#include "osrctl/select_version.h"

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

/// The record's own text knows functions by id only: puts the name behind each site.
std::string with_names(const SiteRecord &record, const CanonicalProgram &program) {
  std::string text;
  std::size_t frame = 0;
  SmallVector<StringRef, 16> lines;
  std::string plain = to_string(record);
  StringRef(plain).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    text += fmt::format("    | {}", line.str());
    if (line.starts_with("  site ") && frame < record.frames.size()) {
      SiteId site = record.frames[frame++].site;
      text += fmt::format(" ({}#{})", program.functions[site.function].name, site.index);
    }
    text += '\n';
  }
  return text;
}

std::string heading(const CodeObject &object, const FunctionInfo &function) {
  std::string part =
      object.continuation_site ? fmt::format(", continuation behind #{}", *object.continuation_site) : "";
  std::string sites = object.sites.size() == 0 ? std::string("no records")
                                               : fmt::format("{} record{}, CFA = rsp{:+} at each", object.sites.size(),
                                                             object.sites.size() == 1 ? "" : "s", object.cfa_from_sp);
  return fmt::format("{}, {}{}: {}\n", function.name, to_string(object.tier), part, sites);
}

/// The linker puts its stubs behind the code; they are not ours to show.
Extent own_code(const CodeObject &object) {
  Extent code{object.code_begin, object.code_begin + object.code_size};
  if (Extent stubs = object.linked.linker_stubs; stubs.size() && stubs.begin > code.begin)
    code.end = stubs.begin;
  return code;
}

Expected<std::string> text_of(Engine &engine, const CodeObject &object, bool records_only) {
  const CanonicalProgram &program = engine.program();
  std::string text = heading(object, program.functions[object.function]);
  std::map<std::uint32_t, std::string> records; // by offset of the return PC
  object.sites.for_each(
      [&](const SiteRecord &record) { records[record.return_pc_offset] = with_names(record, program); });
  if (!records_only) {
    AddressNames names(engine);
    auto code = disassemble(own_code(object), [&](std::uint64_t address) { return names.find(object, address); });
    if (!code)
      return code.takeError();
    for (const DisassembledInstruction &instruction : *code) {
      if (auto record = records.extract(instruction.offset))
        text += record.mapped();
      text += fmt::format("  {:>5x}: {}\n", instruction.offset, instruction.text);
    }
  }
  for (const auto &[offset, record] : records) // a call may be the last instruction
    text += record;
  return text;
}

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
  auto version = (*runtime)->engine().versions().find_or_compile(*key);
  if (!version)
    return report(version.takeError());
  auto text = text_of((*runtime)->engine(), (*version)->object, options.records_only);
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
