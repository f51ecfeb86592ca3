#include "runtime/stack/frame_cursor.h"

#include "compiler/base/check.h"
#include "runtime/stack/step.h"
#include "runtime/stack/unwinder.h"

namespace osr {

FrameCursor::FrameCursor(const WalkStart &start, RulesFinder &rules, const StackBounds &bounds)
    : rules_(rules), bounds_(bounds) {
  registers_[current_] = start.registers;
  enter(start.kind);
}

FrameCursor::FrameCursor(const WalkStart &start, const CodeLookup &code, const StubLookup &stubs,
                         const StackBounds &bounds)
    : own_rules_(std::in_place, code, stubs), rules_(*own_rules_), bounds_(bounds) {
  registers_[current_] = start.registers;
  enter(start.kind);
}

void FrameCursor::advance() {
  OSR_CHECK(!done(), "the walk has ended: {}", describe(status_));
  current_ ^= 1;
  enter(older_kind_);
}

/// Makes the frame that the current registers describe the current one: its original pc, and one step out of it for its
/// CFA.
void FrameCursor::enter(PcKind kind) {
  RegisterSet &registers = registers_[current_];
  const std::uintptr_t sp = registers.sp;
  const bool alternate = bounds_.on_alternate(sp);
  if (sp >= bounds_.base && !alternate) {
    status_ = sp <= bounds_.end ? WalkStatus::ReachedBase : WalkStatus::OutOfBounds;
    return;
  }
  const FrameRules &rules = rules_.find(registers.pc, kind);
  registers.pc = rules.pc;
  if (frame_.sp == 0 || bounds_.on_alternate(frame_.sp) != alternate)
    frame_.newest_sp = sp;
  frame_.pc = rules.pc;
  frame_.sp = sp;
  frame_.return_pc_slot = kind == PcKind::ReturnPc ? return_pc_slot(sp) : 0;
  frame_.stub_pc = rules.stub_pc;
  frame_.code = rules.code;
  frame_.row = rules.our_row;
  frame_.kind = kind;
  frame_.is_site = rules.is_site;
  may_be_astray_ |= !rules.is_ours || kind != PcKind::ReturnPc;
  status_ = rules.step.kind == StepRules::Kind::Row ? step_by_row(rules) : step_without_row(rules);
  frame_.cfa = registers_[current_ ^ 1].sp;
}

WalkStatus FrameCursor::step_by_row(const FrameRules &rules) {
  const RegisterSet &registers = registers_[current_];
  const std::uintptr_t sp = registers.sp, cfa = cfa_of(registers, rules.step.row);
  const WalkStatus status = check_step(sp, cfa, bounds_);
  OSR_CHECK(status == WalkStatus::Walking || may_be_astray_, "frame of our code at pc {:#x}, sp {:#x}, CFA {:#x}: {}",
            registers.pc, sp, cfa, describe(status));
  if (status != WalkStatus::Walking)
    return status;
  OSR_CHECK(rules.site_cfa_from_sp == 0 || cfa == sp + rules.site_cfa_from_sp || may_be_astray_,
            "site at pc {:#x}, sp {:#x}: the CFA is {:#x} by its row, {:#x} by its code object", registers.pc, sp, cfa,
            sp + rules.site_cfa_from_sp);
  step_by(registers, rules.step.row, cfa, registers_[current_ ^ 1]);
  older_kind_ = PcKind::ReturnPc;
  return status;
}

WalkStatus FrameCursor::step_without_row(const FrameRules &rules) {
  if (rules.is_ours)
    return WalkStatus::NoUnwindInfo;
  RegisterSet &older = registers_[current_ ^ 1];
  older = registers_[current_];
  older_kind_ = frame_.kind;
  return step_foreign(rules.step, older, older_kind_, bounds_);
}

} // namespace osr
