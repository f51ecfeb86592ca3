#include "runtime/inspect/code_text.h"

#include "osr-stubs/machine.h"
#include "osr-stubs/registers.h"
#include "runtime/inspect/address_names.h"
#include "runtime/inspect/disassembly.h"

#include <fmt/format.h>
#include <llvm/ADT/SmallVector.h>

#include <map>

using namespace llvm;

namespace osr {
namespace {

std::string text_of(const ResultRegisters &registers) {
  std::string text;
  auto add = [&](const std::string &word) { text += (text.empty() ? "" : ", ") + word; };
  if (registers.general)
    add("general");
  if (registers.vector_bytes)
    add(fmt::format("vector of {} bytes", registers.vector_bytes));
  if (registers.stacked_floats)
    add(fmt::format("{} x {}", register_stack_name, registers.stacked_floats));
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
  std::string sites = object.sites.size() == 0
                          ? std::string("no records")
                          : fmt::format("{} record{}, CFA = {}{:+} at each", object.sites.size(),
                                        object.sites.size() == 1 ? "" : "s", stack_pointer_name, object.cfa_from_sp);
  return fmt::format("{}, {}{}: {}\n", function.name, to_string(object.tier), part, sites);
}

/// The linker puts its stubs behind the code; they are not ours to show.
Extent own_code(const CodeObject &object) {
  Extent code{object.code_begin, object.code_begin + object.code_size};
  if (Extent stubs = object.linked.linker_stubs; stubs.size() && stubs.begin > code.begin)
    code.end = stubs.begin;
  return code;
}

} // namespace

std::string text_of(const FunctionInfo &function) {
  if (function.pinned != PinReason::None)
    return fmt::format("{} {}: pinned, it {}\n", function.id, function.name, to_string(function.pinned));
  std::string text = fmt::format("{} {}: {} site{}\n", function.id, function.name, function.sites().size(),
                                 function.sites().size() == 1 ? "" : "s");
  for (const Site &site : function.sites())
    text += text_of(site);
  return text;
}

Expected<std::string> text_of(Engine &engine, const CodeObject &object, CodeParts parts) {
  const CanonicalProgram &program = engine.program();
  std::string text = heading(object, program.functions[object.function]);
  std::map<std::uint32_t, std::string> records; // by offset of the return PC
  object.sites.for_each(
      [&](const SiteRecord &record) { records[record.return_pc_offset] = with_names(record, program); });
  if (parts == CodeParts::All) {
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

} // namespace osr
