#include "runtime/machine/elf_numbers.h"

#include <llvm/BinaryFormat/ELF.h>

namespace osr {

using namespace llvm::ELF;

static_assert(elf_machine == EM_X86_64);
static_assert(elf_absolute64 == R_X86_64_64 && elf_absolute32 == R_X86_64_32);
static_assert(elf_bind_word == R_X86_64_GLOB_DAT && elf_bind_slot == R_X86_64_JUMP_SLOT);

} // namespace osr
