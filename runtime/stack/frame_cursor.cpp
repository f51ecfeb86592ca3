#include "runtime/stack/frame_cursor.h"

#include "compiler/base/check.h"
#include "runtime/stack/arch_x86_64.h"
#include "runtime/stack/unwinder.h"

namespace osr {

FrameCursor::FrameCursor(const WalkStart &start, const CodeLookup &code, const StubLookup &stubs,
                         const StackBounds &bounds)
    : code_(code), stubs_(stubs), bounds_(bounds), registers_(start.registers) {
  enter(start.kind);
}

void FrameCursor::advance() {
  OSR_CHECK(!done(), "the walk has ended: {}", describe(status_));
  registers_ = older_;
  enter(older_kind_);
}

/// Makes the frame described by registers_ the current one: its original pc, and one step out of it for its CFA.
void FrameCursor::enter(PcKind kind) {
  const bool alternate = bounds_.on_alternate(registers_.sp);
  if (registers_.sp >= bounds_.base && !alternate) {
    status_ = registers_.sp <= bounds_.end ? WalkStatus::ReachedBase : WalkStatus::OutOfBounds;
    return;
  }
  const bool same_stack = frame_.sp != 0 && bounds_.on_alternate(frame_.sp) == alternate;
  const std::uintptr_t newest_sp = same_stack ? frame_.newest_sp : registers_.sp;
  frame_ = {};
  frame_.newest_sp = newest_sp;
  frame_.sp = registers_.sp;
  frame_.kind = kind;
  const CodeObject *stub_code = nullptr;
  if (kind == PcKind::ReturnPc) {
    frame_.return_pc_slot = arch::return_pc_slot(registers_.sp);
    if (const auto stub = stubs_.stub_site(registers_.pc)) {
      frame_.stub_pc = registers_.pc;
      registers_.pc = stub->original_pc;
      stub_code = stub->code;
    }
  }
  frame_.pc = registers_.pc;
  status_ = step_out(kind, stub_code);
  frame_.cfa = older_.sp;
}

WalkStatus FrameCursor::step_out(PcKind kind, const CodeObject *stub_code) {
  older_ = registers_;
  older_kind_ = PcKind::ReturnPc;
  const std::uintptr_t pc = registers_.pc - (kind == PcKind::ReturnPc);
  const CodeView view = stub_code ? code_.view_of(*stub_code) : code_.find_code(pc);
  if (view)
    return step_ours(view, pc);
  passed_foreign_ = true;
  older_kind_ = kind;
  return step_foreign(older_, older_kind_, bounds_);
}

WalkStatus FrameCursor::step_ours(const CodeView &view, std::uintptr_t pc) {
  frame_.code = view.object;
  frame_.row = view.rows->find(pc - view.begin);
  if (!frame_.row || !frame_.row->usable)
    return WalkStatus::NoUnwindInfo;
  const std::uintptr_t sp = registers_.sp, cfa = arch::cfa(registers_, *frame_.row);
  const WalkStatus status = check_step(sp, cfa, bounds_);
  OSR_CHECK(status == WalkStatus::Walking || passed_foreign_, "frame of our code at pc {:#x}, sp {:#x}, CFA {:#x}: {}",
            registers_.pc, sp, cfa, describe(status));
  if (status != WalkStatus::Walking)
    return status;
  if (view.object && frame_.kind == PcKind::ReturnPc)
    if (const auto distance = code_.site_cfa_from_sp(*view.object, registers_.pc)) {
      frame_.is_site = true;
      OSR_CHECK(*distance == 0 || cfa == sp + *distance || passed_foreign_,
                "site at pc {:#x}, sp {:#x}: the CFA is {:#x} by its row, {:#x} by its code object", registers_.pc, sp,
                cfa, sp + *distance);
    }
  arch::step(older_, *frame_.row, cfa);
  return status;
}

} // namespace osr
