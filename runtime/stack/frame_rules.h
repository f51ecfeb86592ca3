// What a walk can tell about a frame from its pc alone, and the finder that remembers it.
//
// Finding it out costs 20-400 ns: code registry, rows, sites, stub table, and for foreign code a search in .eh_frame.
// But a deep stack is made of few different return PCs, so the finder keeps its last answers.
#pragma once

#include "runtime/code/removals.h"
#include "runtime/stack/code_lookup.h"
#include "runtime/stack/foreign_frames.h"

#include <array>

namespace osr {

struct FrameRules {
  std::uintptr_t pc = 0;             ///< the original pc
  std::uintptr_t stub_pc = 0; ///< the entry of the stub that is to be returned to, or that was interrupted; else 0
  const CodeObject *code = nullptr; ///< null: foreign code, or code of ours that is not a code object
  const UnwindRow *our_row = nullptr; ///< null: foreign code
  StepRules step;
  bool is_ours = false;
  bool is_site = false; ///< there is a stack map record for this return PC
  std::int32_t site_cfa_from_sp = 0; ///< at a site: CFA - sp; 0: not known
};

/// Allocation-free, lock-free, async-signal-safe; not thread-safe.
///
/// What is remembered is not looked up again, so a finder lives for one walk, or for all walks of one stop. Code that a
/// frame stands in does not go away meanwhile. But a thread may be stopped in the middle of a walk of its own stack, its
/// frames sent elsewhere and the old code freed, and other code or another stub may get the same address: so everything
/// is forgotten as soon as any code or stub was removed (Removals).
class RulesFinder {
public:
  RulesFinder(const CodeLookup &code, const StubLookup &stubs) : code_(code), stubs_(stubs) {}
  RulesFinder(const RulesFinder &) = delete;
  RulesFinder &operator=(const RulesFinder &) = delete;

  /// What find() would return for a return PC, without looking for anything; null: that would.
  const FrameRules *find_remembered(std::uintptr_t return_pc) const {
    const std::size_t slot = slot_of(return_pc);
    return keys_[slot] == return_pc && return_pc != 0 && Removals::count() == removals_ ? &memo_[slot] : nullptr;
  }

  /// Valid until the next call.
  const FrameRules &find(std::uintptr_t pc, PcKind kind) {
    if (kind == PcKind::Exact) [[unlikely]]
      return look_up(pc, kind, exact_);
    if (const std::uint64_t now = Removals::count(); now != removals_) [[unlikely]]
      forget(now);
    const std::size_t slot = slot_of(pc);
    return keys_[slot] == pc && pc != 0 ? memo_[slot] : remember(pc, slot);
  }

  /// Whether it may be a return PC into code of ours, or a stub.
  bool is_our_code(std::uintptr_t pc) const { return pc != 0 && (code_.find_code(pc - 1) || stubs_.stub_site(pc)); }

private:
  static constexpr unsigned slot_bits = 6;
  static constexpr std::size_t slot_count = std::size_t(1) << slot_bits;
  static std::size_t slot_of(std::uintptr_t pc) { return pc * 0x9e3779b97f4a7c15u >> (64 - slot_bits); }

  void look_up_foreign(std::uintptr_t pc, PcKind kind, FrameRules &rules) const;
  void forget(std::uint64_t removals_now);
  const FrameRules &remember(std::uintptr_t return_pc, std::size_t slot);
  const FrameRules &look_up(std::uintptr_t pc, PcKind kind, FrameRules &place) const;

  const CodeLookup &code_;
  const StubLookup &stubs_;
  std::uint64_t removals_ = Removals::count(); ///< when the first of the answers was found, or before
  FrameRules exact_; ///< not remembered: exact PCs are rare
  std::array<std::uintptr_t, slot_count> keys_{}; ///< return PCs; 0: the slot is empty
  union {
    FrameRules memo_[slot_count]; ///< in a union so that empty slots cost no initialisation
  };
};

} // namespace osr
