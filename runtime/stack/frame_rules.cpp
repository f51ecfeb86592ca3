#include "runtime/stack/frame_rules.h"

#include "runtime/stack/unwinder.h"

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
    rules.step = find_foreign_rules(rules.pc, kind);
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
