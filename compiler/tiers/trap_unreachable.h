// Functions of which nothing can be reached.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// LLVM emits no code for a function that cannot be executed, or for a continuation behind a call that cannot return. But
/// such a thing may be wanted: nobody knows that a call does not return before it has not. So it gets an instruction that
/// traps. To be run last before code generation.
void trap_if_unreachable(llvm::Function &function);

} // namespace osr
