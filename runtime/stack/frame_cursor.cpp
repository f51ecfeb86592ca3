#include "runtime/stack/frame_cursor.h"

#include "compiler/base/check.h"
#include "runtime/stack/step.h"
#include "runtime/stack/unwinder.h"

namespace osr {

inline void FrameCursor::enter_by(const FrameRules &rules, PcKind kind) {
  const std::uintptr_t sp = registers_.sp;
  registers_.pc = rules.pc;
  frame_.pc = rules.pc;
  frame_.stub_pc = rules.stub_pc;
  frame_.code = rules.code;
  frame_.row = rules.our_row;
  frame_.sp = sp;
  frame_.return_pc_slot = kind == PcKind::ReturnPc ? return_pc_slot(sp) : 0;
  frame_.kind = kind;
  frame_.is_site = rules.is_site;
  may_be_astray_ |= !rules.is_ours || kind != PcKind::ReturnPc;
  since_exact_ = kind == PcKind::Exact ? 0 : since_exact_ + 1;
  if (rules.step.kind != StepRules::Kind::Row && !is_row_of_unwinder(rules)) [[unlikely]]
    return find_older_without_row(rules);
  by_row_ = &rules;
  frame_.cfa = cfa_of(registers_, rules.step.row);
  status_ = check_step(sp, frame_.cfa, limit_);
  const bool is_where_sites_say = rules.site_cfa_from_sp == 0 || frame_.cfa == sp + rules.site_cfa_from_sp;
  if (status_ != WalkStatus::Walking || !is_where_sites_say) [[unlikely]]
    check_astray();
}

FrameCursor::FrameCursor(const WalkStart &start, RulesFinder &rules, const StackBounds &bounds)
    : rules_(rules), bounds_(bounds), registers_(start.registers) {
  enter(start.kind);
}

FrameCursor::FrameCursor(const WalkStart &start, const CodeLookup &code, const StubLookup &stubs,
                         const StackBounds &bounds)
    : own_rules_(std::in_place, code, stubs), rules_(*own_rules_), bounds_(bounds), registers_(start.registers) {
  enter(start.kind);
}

/// Nearly every step is by a row, on the same stack, to a return PC that was met before; it calls nothing.
void FrameCursor::advance() {
  OSR_CHECK(!done(), "the walk has ended: {}", describe(status_));
  if (!by_row_) {
    registers_ = older_;
    return enter(older_kind_);
  }
  step_by(registers_, by_row_->step.row, frame_.cfa);
  const FrameRules *rules = rules_.find_remembered(registers_.pc);
  if (rules && registers_.sp < base_) [[likely]]
    return enter_by(*rules, PcKind::ReturnPc);
  enter(PcKind::ReturnPc);
}

/// Makes the frame that the registers describe the current one.
void FrameCursor::enter(PcKind kind) {
  const std::uintptr_t sp = registers_.sp;
  enter_stack(sp);
  if (sp >= base_) {
    status_ = sp <= limit_ ? WalkStatus::ReachedBase : WalkStatus::OutOfBounds;
    return;
  }
  enter_by(rules_.find(registers_.pc, kind), kind);
}

/// Steps by rows do not change the stack; the handler of a signal may have another one than what it interrupts.
void FrameCursor::enter_stack(std::uintptr_t sp) {
  const bool alternate = bounds_.on_alternate(sp);
  if (frame_.sp == 0 || alternate != is_on_alternate_)
    frame_.newest_sp = sp;
  is_on_alternate_ = alternate;
  base_ = alternate ? bounds_.alternate_high : bounds_.base;
  limit_ = bounds_.limit(sp);
}

/// When an unwinder has found where an exception lands, it writes the registers of that frame to where it has saved those of its caller,
/// and takes them from there. Whoever is stopped in between, or in what it calls for that, would be walked with the stack of one
/// frame and the registers of another.
bool FrameCursor::is_row_of_unwinder(const FrameRules &rules) const {
  return rules.step.kind == StepRules::Kind::Landing && since_exact_ > most_landing_helpers && rules.step.row.usable;
}

/// The CFA by a row is wrong, or so is what is said of the site.
void FrameCursor::check_astray() {
  if (may_be_astray_) {
    if (status_ == WalkStatus::Walking)
      status_ = WalkStatus::Astray;
    return;
  }
  OSR_CHECK(status_ == WalkStatus::Walking, "frame of our code at pc {:#x}, sp {:#x}, CFA {:#x}: {}", frame_.pc,
            frame_.sp, frame_.cfa, describe(status_));
  OSR_CHECK(false, "site at pc {:#x}, sp {:#x}: the CFA is {:#x} by its row, {:#x} by its code object", frame_.pc,
            frame_.sp, frame_.cfa, frame_.sp + by_row_->site_cfa_from_sp);
}

/// The whole step at once.
void FrameCursor::find_older_without_row(const FrameRules &rules) {
  by_row_ = nullptr;
  if (rules.step.kind == StepRules::Kind::Landing) {
    status_ = WalkStatus::Landing;
    return;
  }
  if (rules.is_ours) {
    status_ = WalkStatus::NoUnwindInfo;
    return;
  }
  older_ = registers_;
  older_kind_ = frame_.kind;
  status_ = step_foreign(rules.step, older_, older_kind_, bounds_);
  frame_.cfa = older_.sp;
}

} // namespace osr
