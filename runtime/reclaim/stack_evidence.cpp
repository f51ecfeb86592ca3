#include "runtime/reclaim/stack_evidence.h"

#include "compiler/base/check.h"
#include "compiler/target/holder_assembly.h"
#include "osr-stubs/entry_hook.h"
#include "osr-stubs/interpreter.h"
#include "runtime/code/code_object.h"
#include "runtime/machine/context.h"
#include "runtime/stack/step.h"

#include <llvm/ADT/STLExtras.h>

#include <dlfcn.h>
#include <utility>

namespace osr {
namespace {

bool is_within(std::uintptr_t pc, const void *begin, const char *end) {
  return pc >= reinterpret_cast<std::uintptr_t>(begin) && pc < reinterpret_cast<std::uintptr_t>(end);
}

/// Where the unwinder of the C++ runtime is.
Extent unwinder_code() {
  static const Extent code = [] {
    dl_find_object found{};
    void *library = dlopen("libgcc_s.so.1", RTLD_LAZY | RTLD_NOLOAD);
    void *function = library ? dlsym(library, "_Unwind_RaiseException") : nullptr;
    if (!function || _dl_find_object(function, &found) != 0)
      return Extent{};
    return Extent{reinterpret_cast<std::uint64_t>(found.dlfo_map_start),
                  reinterpret_cast<std::uint64_t>(found.dlfo_map_end)};
  }();
  return code;
}

} // namespace

bool is_entry_hook(const Frame &frame) {
  return is_within(frame.pc - (frame.kind == PcKind::ReturnPc), reinterpret_cast<const void *>(&osr_entry_hook),
                   osr_entry_hook_end);
}

const void *hook_of(const Frame &frame) {
  return reinterpret_cast<const void *>(load_word(frame.cfa + std::uintptr_t(std::intptr_t(entry_hook_cfa_offset))));
}

void StackEvidence::seal() {
  unwinder_ = unwinder_code();
  llvm::sort(ranges_, [](const Range &a, const Range &b) { return a.extent.begin < b.extent.begin; });
  for (std::size_t i = 1; i < ranges_.size(); ++i)
    OSR_CHECK(ranges_[i - 1].extent.end <= ranges_[i].extent.begin, "watched ranges overlap at {:#x}",
              ranges_[i].extent.begin);
}

bool StackEvidence::reach(std::uintptr_t pc) {
  auto after = llvm::upper_bound(ranges_, pc,
                                 [](std::uintptr_t value, const Range &range) { return value < range.extent.begin; });
  if (after == ranges_.begin() || !std::prev(after)->extent.contains(pc))
    return false;
  return !std::exchange(std::prev(after)->is_reached, true);
}

/// While an exception is in flight, the unwinder and the personality functions that it asks keep PCs: what they have read
/// from return-PC slots, which may be written meanwhile, and where they are going to land. Which words of their frames
/// these are is their own business, so each word counts.
void StackEvidence::look_at_foreign(const Frame &frame) {
  if (foreign_begin_ == 0)
    foreign_begin_ = frame.sp;
  if (!unwinder_.contains(frame.pc - (frame.kind == PcKind::ReturnPc)))
    return;
  for (; foreign_begin_ < frame.cfa; foreign_begin_ += sizeof(std::uintptr_t))
    reach_word(load_word(foreign_begin_));
  in_newest_unwinder_ |= !passed_own_;
}

void StackEvidence::reach_word(std::uintptr_t word) {
  reach(word);
  reach(word - 1); // as a return PC
}

void StackEvidence::look_at(const Frame &frame) {
  ++frames_;
  const std::uintptr_t instruction = frame.pc - (frame.kind == PcKind::ReturnPc);
  reach(frame.stub_pc ? frame.stub_pc : instruction);
  if (frame.code) {
    foreign_begin_ = 0;
    passed_own_ = true;
    if (frame.kind == PcKind::Exact && frame.code->function == no_function) // in a holder, before the body was entered?
      reach(load_word(frame.cfa + std::uintptr_t(holder_body_cfa_offset)));
    return;
  }
  look_at_foreign(frame);
  in_transition_ |=
      is_within(instruction, reinterpret_cast<const void *>(&osr_generic_trampoline), osr_generic_trampoline_end);
  if (is_entry_hook(frame))
    reach(load_word(frame.cfa + std::uintptr_t(std::intptr_t(entry_target_cfa_offset))));
}

void StackEvidence::visit(const ProgramThread &thread, RulesFinder &rules, bool is_last) {
  foreign_begin_ = 0;
  passed_own_ = in_newest_unwinder_ = false;
  const auto look = [this](const Frame &frame) {
    look_at(frame);
    return true;
  };
  const auto look_at_words = [this](std::uint64_t low, std::uint64_t high) {
    for (; low < high; low += sizeof(std::uintptr_t))
      reach_word(load_word(low));
  };
  const WalkStatus status = is_last || is_settled(thread) ? walk_stopped_around(thread, rules, look, look_at_words)
                                                          : walk_stopped_while(thread, rules, look);
  if (status != WalkStatus::ReachedBase)
    status_ = status;
  is_any_unseen_ |= thread.sight == Sight::Unseen;
  if (thread.entering_pc)
    reach(thread.entering_pc);
  if (in_newest_unwinder_ && thread.has_context())
    arch::for_each_general_word(*thread.context, [this](std::uintptr_t word) { reach_word(word); });
}

bool StackEvidence::leads_into(const Extent &range) const {
  auto found = llvm::lower_bound(
      ranges_, range.begin, [](const Range &watched, std::uint64_t begin) { return watched.extent.begin < begin; });
  OSR_CHECK(found != ranges_.end() && found->extent.begin == range.begin, "{:#x} was not watched", range.begin);
  return found->is_reached;
}

} // namespace osr
