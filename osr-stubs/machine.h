// What this processor has, and what code reads of it directly.
#pragma once

// processor_ticks(); thread_pointer(): offsets of thread-local variables count from it; most_stacked_floats: results on a stack of
// floating-point registers, register_stack_name: what that is called.
#include "osr-stubs/x86_64/machine.h"

#include <cstdint>

namespace osr {

/// Width in bytes of the widest vector register that the CPU has and the kernel saves: 16, 32 or 64. Constant after start-up.
std::uint32_t vector_register_bytes();

} // namespace osr
