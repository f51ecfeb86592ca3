#include "runtime/machine/dwarf_numbers.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

namespace osr {

static_assert(dwarf_number(SavedRegister::Rbx) == UNW_X86_64_RBX && dwarf_number(SavedRegister::Rbp) == UNW_X86_64_RBP);
static_assert(dwarf_number(SavedRegister::R12) == UNW_X86_64_R12 && dwarf_number(SavedRegister::R13) == UNW_X86_64_R13);
static_assert(dwarf_number(SavedRegister::R14) == UNW_X86_64_R14 && dwarf_number(SavedRegister::R15) == UNW_X86_64_R15);
static_assert(dwarf_number(frame_pointer) == dwarf_frame_pointer && dwarf_stack_pointer == UNW_X86_64_RSP);
static_assert(dwarf_return_address == UNW_X86_64_RIP);

} // namespace osr
