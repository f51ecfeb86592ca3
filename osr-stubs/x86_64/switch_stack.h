// The layout behind osr-stubs/switch_stack.h.
#pragma once

#include "osr-stubs/call_on_stack.h"

namespace osr {

struct StackContext {
  OutsideRegisters registers;
  // mxcsr and the x87 control word, at first as in a new process.
  std::uint32_t vector_control = OSR_FIRST_VECTOR_CONTROL;
  std::uint16_t scalar_control = OSR_FIRST_SCALAR_CONTROL;
};
static_assert(offsetof(StackContext, vector_control) == OSR_CONTEXT_VECTOR_CONTROL);
static_assert(offsetof(StackContext, scalar_control) == OSR_CONTEXT_SCALAR_CONTROL);

} // namespace osr
