// What osr-stubs/machine.h promises, where it has to be inlined.
#pragma once

#include <cstdint>
#include <x86intrin.h>

namespace osr {

/// The time stamp counter.
inline std::uint64_t processor_ticks() { return __rdtsc(); }

/// The ABI keeps a copy of fs's base in its first word.
inline std::int64_t thread_pointer() {
  std::int64_t base;
  asm("mov %%fs:0, %0" : "=r"(base));
  return base;
}

inline constexpr unsigned most_stacked_floats = 2; ///< st0, st1
inline constexpr const char *register_stack_name = "x87";

} // namespace osr
