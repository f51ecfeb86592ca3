#include "runtime/stack/foreign_frames.h"

#include "runtime/code/call_frame_info.h"
#include "runtime/machine/instructions.h"

#include <algorithm>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

namespace osr {

namespace {

/// The bytes of a loaded object, as mapped, or of the segment of it that holds the unwind tables.
struct LoadedObject {
  std::span<const std::uint8_t> bytes;
  std::uintptr_t begin = 0;

  LoadedObject() = default;
  LoadedObject(std::uintptr_t from, std::uintptr_t to)
      : bytes(reinterpret_cast<const std::uint8_t *>(from), to - from), begin(from) {}
  bool contains(std::uintptr_t address) const { return address - begin < bytes.size(); }
};

/// Where there are gaps between the segments of an object, the dynamic linker knows each by itself: the one of the code
/// does not hold the tables. Reads what the dynamic linker keeps, without its lock.
LoadedObject segment_of(link_map *object, std::uintptr_t address) {
  const ElfW(Phdr) *headers = nullptr;
  const int count = dlinfo(object, RTLD_DI_PHDR, &headers);
  for (int i = 0; i < count; ++i) {
    const std::uintptr_t begin = object->l_addr + headers[i].p_vaddr;
    if (headers[i].p_type == PT_LOAD && address - begin < headers[i].p_memsz)
      return {begin, begin + headers[i].p_memsz};
  }
  return {};
}

/// Binary search of the table in .eh_frame_hdr. The result is the FDE's offset in the object; 0 if there is none.
std::uint64_t find_fde(const LoadedObject &object, std::uintptr_t header, std::uintptr_t pc) {
  DwarfReader in(object.bytes.subspan(header - object.begin), header);
  constexpr std::uint8_t version = 1, table_of_int32 = 0x3b; // DW_EH_PE_datarel | DW_EH_PE_sdata4
  const bool known_version = in.read<std::uint8_t>() == version;
  const auto pointer_encoding = in.read<std::uint8_t>(), count_encoding = in.read<std::uint8_t>();
  if (!known_version || in.read<std::uint8_t>() != table_of_int32)
    return 0;
  in.number(pointer_encoding);
  const std::uint64_t count = in.number(count_encoding);
  struct Entry {
    std::int32_t pc, fde; // relative to the header
  };
  const std::uintptr_t first = in.address();
  if (in.failed() || count > in.take(count * sizeof(Entry)).size() / sizeof(Entry))
    return 0;
  const auto *table = reinterpret_cast<const Entry *>(first);
  const auto wanted = std::int64_t(pc - header);
  const auto *after =
      std::upper_bound(table, table + count, wanted, [](std::int64_t at, const Entry &entry) { return at < entry.pc; });
  if (after == table)
    return 0;
  return header + std::uint64_t(std::int64_t(after[-1].fde)) - object.begin;
}

} // namespace

StepRules find_loaded_rules(std::uintptr_t pc, PcKind kind) {
  StepRules rules;
  const std::uintptr_t instruction = pc - (kind == PcKind::ReturnPc);
  dl_find_object found;
  if (_dl_find_object(reinterpret_cast<void *>(instruction), &found) != 0)
    return rules;
  const auto header = std::uintptr_t(found.dlfo_eh_frame);
  LoadedObject object(std::uintptr_t(found.dlfo_map_start), std::uintptr_t(found.dlfo_map_end));
  if (header && !object.contains(header))
    object = segment_of(found.dlfo_link_map, header);
  if (object.contains(header))
    if (const std::uint64_t offset = find_fde(object, header, instruction))
      rules = rules_by_fde(object.bytes, offset, instruction);
  const bool is_known = rules.kind != StepRules::Kind::None && rules.kind != StepRules::Kind::Other;
  if (is_known || kind == PcKind::ReturnPc)
    return rules;
  if (const std::int32_t cfa_offset = linkage_table_cfa_offset(pc)) {
    rules.kind = StepRules::Kind::Row;
    rules.row = UnwindRow::leaf();
    rules.row.cfa_offset = cfa_offset;
  }
  return rules;
}

StepRules rules_by_fde(std::span<const std::uint8_t> section, std::uint64_t offset, std::uintptr_t pc) {
  StepRules rules;
  FrameDescription fde;
  if (!fde.parse(section, std::uintptr_t(section.data()), offset) || pc < fde.begin || pc >= fde.end)
    return rules;
  if (fde.signal_frame) {
    rules.kind = StepRules::Kind::SignalFrame;
    return rules;
  }
  CallFrameProgram program(fde);
  const bool decoded = program.for_each_row([&](std::uint64_t, std::uint64_t row_end, const UnwindRow &row) {
    rules.row = row;
    return pc >= row_end;
  });
  rules.kind = !decoded                  ? StepRules::Kind::Other
               : program.is_of_landing() ? StepRules::Kind::Landing
               : program.is_outermost()  ? StepRules::Kind::Outermost
               : rules.row.usable        ? StepRules::Kind::Row
               : rules.row.through_base  ? StepRules::Kind::ThroughBase
                                         : StepRules::Kind::Other;
  return rules;
}

} // namespace osr
