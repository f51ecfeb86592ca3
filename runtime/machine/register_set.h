// The registers that a walk carries from frame to frame.
#pragma once

#include "osr-stubs/registers.h"

#include <array>
#include <cstdint>

namespace osr {

/// pc, sp and the callee-saved registers as one activation sees them. Plain data.
struct RegisterSet {
  std::uintptr_t pc = 0;
  std::uintptr_t sp = 0;
  std::array<std::uintptr_t, saved_register_count> saved{}; ///< in the order of SavedRegister

  std::uintptr_t operator[](SavedRegister reg) const { return saved[unsigned(reg)]; }
  friend bool operator==(const RegisterSet &, const RegisterSet &) = default;
};

} // namespace osr
