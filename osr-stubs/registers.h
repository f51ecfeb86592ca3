// Registers as scripts, rows and records know them: the callee-saved ones by number, and the stack pointer.
#pragma once

// SavedRegister: in the order used by every table of this project; saved_register_count; frame_pointer: which of them has a
// frame's base. What they are called in texts: saved_register_names, stack_pointer_name.
#include "osr-stubs/x86_64/registers.h"

namespace osr {

constexpr const char *name_of(SavedRegister reg) { return saved_register_names[unsigned(reg)]; }

} // namespace osr
