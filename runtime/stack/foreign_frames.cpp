#include "runtime/stack/foreign_frames.h"

#include "runtime/code/call_frame_info.h"
#include "runtime/stack/arch_x86_64.h"

#include <algorithm>
#include <dlfcn.h>

namespace osr {

namespace {

/// The bytes of a loaded object, as mapped.
struct LoadedObject {
  std::span<const std::uint8_t> bytes;
  std::uintptr_t begin;
};

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
  const auto begin = std::uintptr_t(found.dlfo_map_start), end = std::uintptr_t(found.dlfo_map_end);
  const LoadedObject object{{static_cast<const std::uint8_t *>(found.dlfo_map_start), end - begin}, begin};
  if (found.dlfo_eh_frame)
    if (const std::uint64_t offset = find_fde(object, std::uintptr_t(found.dlfo_eh_frame), instruction))
      rules = rules_by_fde(object.bytes, offset, instruction);
  const bool by_row = rules.kind == StepRules::Kind::Row || rules.kind == StepRules::Kind::SignalFrame;
  if (by_row || kind == PcKind::ReturnPc)
    return rules;
  if (const std::int32_t cfa_offset = arch::linkage_table_cfa_offset(pc)) {
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
  rules.kind = decoded && rules.row.usable ? StepRules::Kind::Row : StepRules::Kind::Other;
  return rules;
}

} // namespace osr
