#include "runtime/stack/frame_rules.h"

#include "runtime/stack/unwinder.h"
#include "runtime/stack/walkable_code.h"

#include <memory>
#include <type_traits>

namespace osr {

static_assert(std::is_trivially_destructible_v<FrameRules>, "RulesFinder ends without destroying its memo");

void RulesFinder::forget(std::uint64_t removals_now) {
  keys_.fill(0);
  removals_ = removals_now;
}

const FrameRules &RulesFinder::remember(std::uintptr_t return_pc, std::size_t slot) {
  keys_[slot] = return_pc;
  return look_up(return_pc, PcKind::ReturnPc, memo_[slot]);
}

/// What is none of our code, unless it is a stub that was interrupted.
void RulesFinder::look_up_foreign(std::uintptr_t pc, PcKind kind, FrameRules &rules) const {
  rules.step = find_foreign_rules(rules.pc, kind);
  if (rules.step.kind != StepRules::Kind::None)
    return;
  const auto found = kind == PcKind::Exact ? stubs_.stub_around(pc) : std::nullopt;
  if (!found) {
    const auto [step, original_pc] = WalkableCode::find_rules(rules.pc, kind);
    rules.step = step;
    rules.pc = original_pc;
    return;
  }
  rules.stub_pc = found->entry_pc;
  rules.pc = found->site.original_pc;
  rules.code = found->site.code;
  rules.is_ours = true;
  rules.step = rules_by_fde(found->stub->eh_frame, found->stub->fde, pc);
}

const FrameRules &RulesFinder::look_up(std::uintptr_t pc, PcKind kind, FrameRules &place) const {
  const std::uintptr_t back = kind == PcKind::ReturnPc ? 1 : 0; // from a return PC into its call
  FrameRules &rules = *std::construct_at(&place);
  rules.pc = pc;
  CodeView view = code_.find_code(pc - back);
  // Stubs lie in no code object, so for most frames nobody has to look for one.
  if (!view.object && kind == PcKind::ReturnPc)
    if (const auto stub = stubs_.stub_site(pc)) {
      rules.stub_pc = pc;
      rules.pc = stub->original_pc;
      view = stub->code ? code_.view_of(*stub->code) : code_.find_code(rules.pc - back);
    }
  if (!view) {
    look_up_foreign(pc, kind, rules);
    return rules;
  }
  rules.is_ours = true;
  rules.code = view.object;
  rules.our_row = view.rows->find(rules.pc - back - view.begin);
  if (!rules.our_row || !rules.our_row->usable)
    return rules;
  rules.step = {StepRules::Kind::Row, *rules.our_row};
  if (view.object && kind == PcKind::ReturnPc)
    if (const auto distance = code_.site_cfa_from_sp(*view.object, rules.pc)) {
      rules.is_site = true;
      rules.site_cfa_from_sp = *distance;
    }
  return rules;
}

} // namespace osr
