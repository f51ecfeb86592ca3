// ELF's numbers for this machine, by names that are neither the system's macros nor LLVM's constants: those exclude each other.
#pragma once

// elf_machine; relocations by what they do: elf_absolute64, elf_absolute32; elf_bind_slot and elf_bind_word, for calls and for data.
#include "runtime/machine/x86_64/elf_numbers.h"

namespace osr {

/// The dynamic linker puts the address of a symbol to where such a relocation is.
constexpr bool binds_symbol(std::uint32_t relocation) {
  return relocation == elf_bind_slot || relocation == elf_bind_word || relocation == elf_absolute64;
}

} // namespace osr
