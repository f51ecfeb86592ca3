// How compiled code reaches variables of the thread that runs it.
#pragma once

namespace osr {

/// LLVM's address space whose addresses count from the thread pointer.
unsigned thread_address_space();

} // namespace osr
