// DWARF's numbers of registers, which libunwind and LLVM's stack maps use as well.
#pragma once

// dwarf_number(SavedRegister), find_saved_register(number); dwarf_frame_pointer, dwarf_stack_pointer, dwarf_return_address:
// the last that unwind information speaks of; last_general_dwarf_register, last_dwarf_register: of all;
// dwarf_landing_registers, dwarf_other_volatile_registers: sets of bits. widest_register_bytes. unwinder_library: the one of libunwind that is made for this machine.
#include "runtime/machine/x86_64/dwarf_numbers.h"
