#include "runtime/code/line_program.h"

#include "runtime/code/linked_object.h"
#include "runtime/machine/elf_numbers.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/Object/ELFObjectFile.h>

#include <cstring>
#include <optional>

using namespace llvm;

namespace osr {
namespace {

std::vector<std::uint8_t> bytes_of(const object::SectionRef &section) {
  Expected<StringRef> contents = section.getContents();
  if (!contents) {
    consumeError(contents.takeError());
    return {};
  }
  return {contents->bytes_begin(), contents->bytes_end()};
}

std::optional<object::SectionRef> find_section(const object::ObjectFile &object, StringRef wanted) {
  for (const object::SectionRef &section : object.sections()) {
    Expected<StringRef> name = section.getName();
    if (!name)
      consumeError(name.takeError());
    else if (*name == wanted)
      return section;
  }
  return std::nullopt;
}

template <typename T> std::optional<T> valid(Expected<T> value) {
  if (value)
    return std::move(*value);
  consumeError(value.takeError());
  return std::nullopt;
}

/// The first function of a section, and where it is there.
bool find_function(const object::ObjectFile &object, const object::SectionRef &in, UnlinkedLines &result) {
  for (const object::SymbolRef &symbol : object.symbols()) {
    const auto type = valid(symbol.getType());
    const auto section = valid(symbol.getSection());
    const auto name = valid(symbol.getName());
    const auto value = valid(symbol.getValue());
    if (!type || !section || !name || !value || *type != object::SymbolRef::ST_Function ||
        *section == object.section_end() || **section != in)
      continue;
    result.function = name->str();
    result.function_offset = *value;
    return true;
  }
  return false;
}

/// Strings are where they are in the object; addresses are for later. False: this is not how our code generator does it.
bool read_relocation(const object::ObjectFile &object, const object::ELFRelocationRef &relocation,
                     std::optional<object::SectionRef> &code, UnlinkedLines &result) {
  const auto addend = valid(relocation.getAddend());
  const auto symbol = relocation.getSymbol();
  if (!addend || symbol == object.symbol_end())
    return false;
  const auto section = valid(symbol->getSection());
  const auto value = valid(symbol->getValue());
  if (!section || !value || *section == object.section_end())
    return false;
  const std::uint64_t offset = relocation.getOffset(), target = *value + std::uint64_t(*addend);
  if (relocation.getType() == elf_absolute32 && offset + 4 <= result.lines.program.size()) {
    const auto string = std::uint32_t(target);
    std::memcpy(result.lines.program.data() + offset, &string, sizeof string);
    return true;
  }
  if (relocation.getType() != elf_absolute64 || offset + 8 > result.lines.program.size() || !(*section)->isText() ||
      (code && **section != *code))
    return false;
  code = **section;
  result.addresses.push_back({offset, target});
  return true;
}

} // namespace

UnlinkedLines read_lines(MemoryBufferRef buffer) {
  UnlinkedLines result;
  auto object = valid(object::ObjectFile::createELFObjectFile(buffer));
  const auto program = object ? find_section(**object, ".debug_line") : std::nullopt;
  if (!program)
    return {};
  result.lines.program = bytes_of(*program);
  if (const auto strings = find_section(**object, ".debug_line_str"))
    result.lines.strings = bytes_of(*strings);
  std::optional<object::SectionRef> code;
  for (const object::SectionRef &section : (*object)->sections()) {
    const auto relocated = valid(section.getRelocatedSection());
    if (!relocated || *relocated == (*object)->section_end() || **relocated != *program)
      continue;
    for (const object::ELFRelocationRef relocation : section.relocations())
      if (!read_relocation(**object, relocation, code, result))
        return {};
  }
  return code && find_function(**object, *code, result) ? result : UnlinkedLines{};
}

LineProgram place_lines(UnlinkedLines unlinked, const LinkedObject &object) {
  const LinkedFunction *function = unlinked.lines.empty() ? nullptr : object.find_function(unlinked.function);
  if (!function)
    return {};
  for (const UnlinkedLines::Address &address : unlinked.addresses) {
    const std::uint64_t final = function->address - unlinked.function_offset + address.offset;
    std::memcpy(unlinked.lines.program.data() + address.place, &final, sizeof final);
  }
  return std::move(unlinked.lines);
}

DebugUnit describe_unit(std::uint64_t code_begin, std::uint64_t code_size) {
  using namespace dwarf;
  DebugUnit unit;
  unit.abbreviations = {1,
                        DW_TAG_compile_unit,
                        DW_CHILDREN_no, //
                        DW_AT_stmt_list,
                        DW_FORM_sec_offset,
                        DW_AT_low_pc,
                        DW_FORM_addr,
                        DW_AT_high_pc,
                        DW_FORM_data8,
                        DW_AT_language,
                        DW_FORM_data2,
                        0,
                        0,
                        0};
  auto put = [&unit](auto value) {
    const auto *bytes = reinterpret_cast<const std::uint8_t *>(&value);
    unit.info.insert(unit.info.end(), bytes, bytes + sizeof value);
  };
  put(std::uint32_t(0)); // the length, below
  put(std::uint16_t(5));
  put(std::uint8_t(DW_UT_compile));
  put(std::uint8_t(sizeof code_begin));
  put(std::uint32_t(0)); // abbreviations
  put(std::uint8_t(1));
  put(std::uint32_t(0)); // line program
  put(code_begin);
  put(code_size);
  put(std::uint16_t(DW_LANG_Mips_Assembler)); // functions are those of the symbol table
  const auto length = std::uint32_t(unit.info.size() - sizeof(std::uint32_t));
  std::memcpy(unit.info.data(), &length, sizeof length);
  return unit;
}

} // namespace osr
