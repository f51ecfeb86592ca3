// What code generation would do to the IR of one function, done where the whole program is in sight.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace osr {

/// Afterwards no function has the collector "shadow-stack", whose roots are lists of objects that every compiled function
/// links into one chain; and no `llvm.stackprotector` is left of LLVM's stack-protector pass, which names a local object
/// that would have to stay in the frame.
void lower_stack_users(llvm::Module &module, llvm::TargetMachine &machine);

/// Atomic operations that there are no instructions for, too wide or not aligned, become the calls of libatomic that code
/// generation would make of them: calls of functions that the module names, so that one that is missing is found out
/// before the program starts.
void call_library_for_atomics(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace osr
