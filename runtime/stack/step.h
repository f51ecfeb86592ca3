// One step of a walk: where a frame ends, and what the registers are outside of it.
#pragma once

#include "runtime/code/unwind_rows.h"
#include "runtime/machine/register_set.h"
#include "runtime/stack/frame_layout.h"

namespace osr {

/// Any word of a stack, also one that AddressSanitizer keeps from ordinary code. The stack is that of a stopped thread,
/// which ThreadSanitizer does not know.
__attribute__((no_sanitize_address, no_sanitize("thread"))) inline std::uintptr_t load_word(std::uintptr_t address) {
  return __atomic_load_n(reinterpret_cast<const std::uintptr_t *>(address), __ATOMIC_RELAXED);
}

/// The slot that holds the return PC into a frame: the callee's `call` pushed it just below the frame's sp.
inline std::uintptr_t return_pc_slot(std::uintptr_t sp) { return sp - word_size; }

/// The CFA by a row. Garbage in, garbage out: check it before memory is read.
inline std::uintptr_t cfa_of(const RegisterSet &registers, const UnwindRow &row) {
  const std::uintptr_t base = row.base == CfaBase::StackPointer ? registers.sp : registers.saved[unsigned(row.base)];
  return base + std::uintptr_t(std::intptr_t(row.cfa_offset));
}

/// One step out of a frame with a known, checked CFA: its registers become those of the next older frame.
inline void step_by(RegisterSet &registers, const UnwindRow &row, std::uintptr_t cfa) {
  registers.pc = load_word(cfa + std::uintptr_t(std::intptr_t(return_pc_cfa_offset)));
  registers.sp = cfa;
#pragma GCC unroll 6
  for (unsigned i = 0; i < saved_register_count; ++i)
    if (row.saved[i] != 0)
      registers.saved[i] = load_word(cfa + std::uintptr_t(std::intptr_t(row.saved[i])));
}

} // namespace osr
