#include "runtime/stack/return_pc.h"

#include "compiler/base/check.h"
#include "runtime/stack/step.h"

namespace osr {

ReturnPc::ReturnPc(const Frame &frame, const StubLookup &stubs)
    : slot_(frame.return_pc_slot), original_(frame.pc), stubs_(stubs) {
  OSR_CHECK(frame.kind == PcKind::ReturnPc, "the frame at pc {:#x} was interrupted: it has no return-PC slot",
            frame.pc);
  // The frame's sp is the CFA of the newer frame, whose return PC lies 8 bytes below it.
  OSR_CHECK(slot_ == return_pc_slot(frame.sp), "return-PC slot {:#x} is not at CFA-8 of the newer frame ({:#x})", slot_,
            frame.sp);
  OSR_CHECK(slot_ % word_size == 0, "return-PC slot {:#x} is not aligned", slot_);
  // A walk that starts at a return PC starts just above that PC's slot; one that starts at an exact pc, below it.
  OSR_CHECK(slot_ + word_size >= frame.newest_sp, "return-PC slot {:#x} is below the newest sp {:#x}", slot_,
            frame.newest_sp);
}

// ThreadSanitizer does not know that the thread whose stack this is has been stopped.
__attribute__((no_sanitize("thread"))) std::uintptr_t ReturnPc::current() const {
  return __atomic_load_n(reinterpret_cast<const std::uintptr_t *>(slot_), __ATOMIC_RELAXED);
}

bool ReturnPc::rewrite(std::uintptr_t stub_pc) const noexcept {
  const std::uintptr_t original = stubs_.original_pc(stub_pc).value_or(0);
  OSR_CHECK(original == original_, "stub {:#x} stands for pc {:#x}, not for {:#x}", stub_pc, original, original_);
  return replace(stub_pc);
}

bool ReturnPc::undo() const noexcept { return replace(original_); }

__attribute__((no_sanitize("thread"))) bool ReturnPc::replace(std::uintptr_t pc) const noexcept {
  const std::uintptr_t held = current();
  OSR_CHECK(stubs_.original_pc(held).value_or(held) == original_,
            "return-PC slot {:#x} holds {:#x}, neither pc {:#x} nor a stub for it", slot_, held, original_);
  if (held == pc)
    return false;
  __atomic_store_n(reinterpret_cast<std::uintptr_t *>(slot_), pc, __ATOMIC_RELEASE);
  return true;
}

} // namespace osr
