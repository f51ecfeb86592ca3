// A call on another stack.
#pragma once

#include "osr-stubs/registers.h"
#include "osr-stubs/x86_64/stub_offsets.h"

#include <cstddef>
#include <cstdint>

namespace osr {

/// The registers of whoever has called osr_call_on_stack, as they will be behind the call: a walk of the stack that was
/// left begins with them.
struct OutsideRegisters {
  std::uint64_t pc = 0, sp = 0;
  std::uint64_t saved[saved_register_count]{};
};
static_assert(offsetof(OutsideRegisters, pc) == OSR_OUTSIDE_PC);
static_assert(offsetof(OutsideRegisters, sp) == OSR_OUTSIDE_SP);
static_assert(offsetof(OutsideRegisters, saved) == OSR_OUTSIDE_SAVED);

} // namespace osr

extern "C" {
/// Calls function(argument) with the stack pointer at `top`, a multiple of 16, and comes back. `outside` is filled in before that changes.
/// No exception may leave the function.
void osr_call_on_stack(void (*function)(void *), void *argument, void *top, osr::OutsideRegisters *outside);
}
