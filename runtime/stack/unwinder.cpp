#include "runtime/stack/unwinder.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "runtime/code/call_frame_info.h"
#include "runtime/code/removals.h"
#include "runtime/machine/context.h"
#include "runtime/machine/dwarf_numbers.h"
#include "runtime/stack/foreign_frames.h"
#include "runtime/stack/step.h"

#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <vector>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

// libunwind's list of registered code; the public header does not declare its accessor.
extern "C" unw_word_t _U_dyn_info_list_addr(void);

namespace osr {

/// libunwind's list is made of `info`, which is the first member, so that an entry of ours can be found by it.
struct UnwindRegistration::Entry {
  struct Fde {
    std::int32_t pc, offset; // libunwind's table format: relative to start_ip and to segbase
  };
  unw_dyn_info_t info{};
  std::vector<Fde> table;
  std::span<const std::uint8_t> section;

  ~Entry() {
    _U_dyn_cancel(&info);
    // Cancelling alone leaves decoded rows in libunwind's cache, and the next code at this address would get them.
    unw_flush_cache(unw_local_addr_space, info.start_ip, info.end_ip);
    Removals::add();
  }

  StepRules find_rules(std::uintptr_t pc) const {
    const auto wanted = std::int64_t(pc - info.start_ip);
    const auto after = std::upper_bound(table.begin(), table.end(), wanted,
                                        [](std::int64_t at, const Fde &fde) { return at < fde.pc; });
    return after == table.begin() ? StepRules() : rules_by_fde(section, std::uint64_t(after[-1].offset), pc);
  }
};

namespace {

/// libunwind shows this name to people; here it also tells our entries from those of others.
constexpr char table_name[] = "osr";

/// The entry of libunwind's list for this pc. Reads the list without a lock, as libunwind itself does.
const unw_dyn_info_t *find_registered(std::uintptr_t pc) {
  const auto *list = reinterpret_cast<const unw_dyn_info_list_t *>(_U_dyn_info_list_addr());
  for (const unw_dyn_info_t *info = list->first; info; info = info->next)
    if (pc >= info->start_ip && pc < info->end_ip)
      return info;
  return nullptr;
}

/// The interrupted frame may lie on another stack: the handler ran on the alternate one.
WalkStatus step_signal_frame(RegisterSet &registers, PcKind &kind, const StackBounds &bounds) {
  const std::uintptr_t sp = registers.sp;
  if (bounds.limit(sp) - sp < arch::smallest_context_bytes)
    return WalkStatus::OutOfBounds;
  registers = arch::from_context(arch::interrupted_context(sp));
  kind = PcKind::Exact;
  if (bounds.on_alternate(sp) && !bounds.on_alternate(registers.sp))
    return registers.sp <= bounds.end ? WalkStatus::Walking : WalkStatus::OutOfBounds;
  return check_step(sp, registers.sp, bounds);
}

/// Out of a function that has aligned its frame. What it saved lies on its stack, else it is none.
WalkStatus step_through_base(RegisterSet &registers, const UnwindRow &row, const StackBounds &bounds) {
  const std::uintptr_t sp = registers.sp, cfa_place = cfa_of(registers, row);
  const auto plus = [](std::uintptr_t address, std::int32_t offset) {
    return address + std::uintptr_t(std::intptr_t(offset));
  };
  const auto is_on_stack = [&](std::uintptr_t place) {
    return place + red_zone_size >= sp && place % word_size == 0 && place < bounds.limit(sp);
  };
  if (!is_on_stack(cfa_place))
    return WalkStatus::OutOfBounds;
  const std::uintptr_t cfa = plus(load_word(cfa_place), row.word_addend);
  if (const WalkStatus status = check_step(sp, cfa, bounds); status != WalkStatus::Walking)
    return status;
  const std::uintptr_t saved_by = row.saved_by_cfa ? cfa : plus(cfa_place, UnwindRow::unaligned_cfa - row.cfa_offset);
  if (llvm::any_of(row.saved, [&](std::int32_t at) { return at != 0 && !is_on_stack(plus(saved_by, at)); }))
    return WalkStatus::OutOfBounds;
  RegisterSet older = registers;
  older.pc = load_word(plus(cfa, return_pc_cfa_offset));
  older.sp = cfa;
  for (unsigned i = 0; i < saved_register_count; ++i)
    if (row.saved[i] != 0)
      older.saved[i] = load_word(plus(saved_by, row.saved[i]));
  registers = older;
  return WalkStatus::Walking;
}

} // namespace

/// The rules of code that the dynamic linker does not know, by libunwind's list.
StepRules UnwindRegistration::find_rules(std::uintptr_t pc) {
  const unw_dyn_info_t *info = find_registered(pc);
  if (!info)
    return {};
  if (info->u.rti.name_ptr != unw_word_t(table_name))
    return {StepRules::Kind::Other, {}};
  return reinterpret_cast<const Entry *>(info)->find_rules(pc);
}

StepRules find_foreign_rules(std::uintptr_t pc, PcKind kind) {
  const StepRules rules = find_loaded_rules(pc, kind);
  return rules.kind != StepRules::Kind::None ? rules : UnwindRegistration::find_rules(pc - (kind == PcKind::ReturnPc));
}

WalkStatus step_foreign(const StepRules &rules, RegisterSet &registers, PcKind &kind, const StackBounds &bounds) {
  switch (rules.kind) {
  case StepRules::Kind::None: return WalkStatus::NoUnwindInfo;
  case StepRules::Kind::SignalFrame:
    return arch::is_signal_trampoline(registers.pc) ? step_signal_frame(registers, kind, bounds) : WalkStatus::OddRules;
  case StepRules::Kind::ThroughBase: kind = PcKind::ReturnPc; return step_through_base(registers, rules.row, bounds);
  case StepRules::Kind::Outermost: return WalkStatus::EndOfStack;
  case StepRules::Kind::Other: return WalkStatus::OddRules;
  case StepRules::Kind::Landing:
  case StepRules::Kind::Row: break;
  }
  OSR_CHECK(false, "pc {:#x}: the cursor steps by rows itself", registers.pc);
}

UnwindRegistration::UnwindRegistration() = default;
UnwindRegistration::UnwindRegistration(UnwindRegistration &&) noexcept = default;
UnwindRegistration &UnwindRegistration::operator=(UnwindRegistration &&) noexcept = default;
UnwindRegistration::~UnwindRegistration() = default;

llvm::Expected<UnwindRegistration> UnwindRegistration::add(std::uintptr_t code_begin, std::size_t code_size,
                                                           llvm::ArrayRef<std::uint8_t> eh_frame) {
  const auto address = std::uintptr_t(eh_frame.data());
  const std::span<const std::uint8_t> bytes(eh_frame.data(), eh_frame.size());
  std::vector<Entry::Fde> table;
  std::optional<std::uint64_t> malformed;
  for_each_fde(
      bytes, address,
      [&](std::uint64_t offset, const FrameDescription &fde) {
        if (fde.begin - code_begin < code_size)
          table.push_back({std::int32_t(fde.begin - code_begin), std::int32_t(offset)});
        return true;
      },
      [&](std::uint64_t offset) { malformed = offset; });
  if (malformed)
    return malformed_entry(*malformed);
  if (table.empty())
    return make_error("no unwind information for the code at {:#x} in the section given for it", code_begin);
  std::sort(table.begin(), table.end(), [](const auto &a, const auto &b) { return a.pc < b.pc; });

  UnwindRegistration result;
  auto entry = std::make_unique<Entry>();
  entry->table = std::move(table);
  entry->info.start_ip = code_begin;
  entry->info.end_ip = code_begin + code_size;
  entry->info.format = UNW_INFO_FORMAT_IP_OFFSET;
  entry->section = bytes;
  entry->info.u.rti.name_ptr = unw_word_t(table_name);
  entry->info.u.rti.segbase = address;
  entry->info.u.rti.table_data = unw_word_t(entry->table.data());
  entry->info.u.rti.table_len = entry->table.size() * sizeof(Entry::Fde) / sizeof(unw_word_t);
  _U_dyn_register(&entry->info);
  result.entry_ = std::move(entry);
  return result;
}

} // namespace osr
