// Changing from one stack to another.
#pragma once

#include "osr-stubs/call_on_stack.h"

namespace osr {

/// Where a stack that nobody runs on goes on.
struct StackContext {
  OutsideRegisters registers;
  /// How numbers are rounded, and which exceptions trap, belongs to the activation. At first, as in a new process.
  std::uint32_t vector_control = OSR_FIRST_VECTOR_CONTROL;
  std::uint16_t scalar_control = OSR_FIRST_SCALAR_CONTROL;
};
static_assert(offsetof(StackContext, vector_control) == OSR_CONTEXT_VECTOR_CONTROL);
static_assert(offsetof(StackContext, scalar_control) == OSR_CONTEXT_SCALAR_CONTROL);

} // namespace osr

extern "C" {
/// Returns when somebody changes back to `left`.
void osr_switch_stack(osr::StackContext *left, const osr::StackContext *entered);
/// Where a new stack begins, at its end, a multiple of 16. The first saved register has the argument and the second one the function that
/// is called with it, which does not return.
void osr_begin_stack();
}
