// The numbers behind runtime/machine/dwarf_numbers.h.
#pragma once

#include "osr-stubs/registers.h"

#include <cstdint>
#include <optional>

namespace osr {

inline constexpr char unwinder_library[] = "libunwind-x86_64"; ///< how its name begins

/// General registers are 0..15.
inline constexpr std::uint16_t dwarf_frame_pointer = 6;
inline constexpr std::uint16_t dwarf_stack_pointer = 7;
inline constexpr std::uint16_t last_general_dwarf_register = 15;
inline constexpr std::uint16_t dwarf_return_address = 16;
/// Those in which the unwinder of gcc hands an exception to a landing pad, and those that calls may change besides.
inline constexpr std::uint32_t dwarf_landing_registers = 1u << 0 | 1u << 1; // rax, rdx
inline constexpr std::uint32_t dwarf_other_volatile_registers =
    1u << 2 | 1u << 4 | 1u << 5 | 1u << 8 | 1u << 9 | 1u << 10 | 1u << 11; // rcx, rsi, rdi, r8..r11
inline constexpr std::uint16_t last_dwarf_register = 129; // k0..k7 are 118..125, bnd0..bnd3 are 126..129
inline constexpr std::uint16_t widest_register_bytes = 64; // zmm

constexpr std::uint8_t dwarf_number(SavedRegister reg) {
  constexpr std::uint8_t numbers[saved_register_count] = {3, 6, 12, 13, 14, 15};
  return numbers[unsigned(reg)];
}

constexpr std::optional<SavedRegister> find_saved_register(std::uint64_t dwarf_register) {
  switch (dwarf_register) {
  case 3: return SavedRegister::Rbx;
  case 6: return SavedRegister::Rbp;
  case 12: return SavedRegister::R12;
  case 13: return SavedRegister::R13;
  case 14: return SavedRegister::R14;
  case 15: return SavedRegister::R15;
  default: return std::nullopt;
  }
}

} // namespace osr
