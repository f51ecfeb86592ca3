// Trampolines: functions that are made on the stack, of a function and a pointer that goes to it (`llvm.init.trampoline`).
#pragma once

#include <llvm/IR/Module.h>

namespace osr {

/// What is called before a trampoline is written. The runtime defines it: `void osr-trampoline-memory(ptr)` makes the memory executable.
inline constexpr const char *trampoline_memory_callee = "osr-trampoline-memory";

/// A linker gives a program that has trampolines an executable stack. Here the stack is the host's, so who writes a trampoline asks for
/// that. To be run when nothing is optimised any more: till then LLVM may know whom a trampoline calls.
void ask_for_trampoline_memory(llvm::Module &module);

} // namespace osr
