// What this processor has, and what code reads of it directly.
#pragma once

#include "osr-stubs/x86_64/machine.h" // processor_ticks(), thread_pointer(), most_stacked_floats

#include <cstdint>

namespace osr {

/// Width in bytes of the widest vector register that the CPU has and the kernel saves: 16, 32 or 64. Constant after start-up.
std::uint32_t vector_register_bytes();

} // namespace osr
