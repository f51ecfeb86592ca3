// How compiled code reaches variables of the thread that runs it, and address spaces that are the machine's.
#pragma once

namespace osr {

/// LLVM's address space whose addresses count from the thread pointer.
unsigned thread_address_space();

/// From here on they mean something to the code generator; those below are the front ends'.
unsigned first_machine_address_space();

} // namespace osr
