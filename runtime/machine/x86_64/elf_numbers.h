// The numbers behind runtime/machine/elf_numbers.h.
#pragma once

#include <cstdint>

namespace osr {

inline constexpr std::uint16_t elf_machine = 62;
inline constexpr std::uint32_t elf_absolute64 = 1, elf_bind_word = 6, elf_bind_slot = 7, elf_absolute32 = 10;

} // namespace osr
