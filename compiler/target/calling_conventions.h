// What is special about calling conventions on this machine.
#pragma once

#include <llvm/IR/CallingConv.h>

namespace osr {

/// Conventions in which the callee saves the registers that it saves in C. In others it keeps values where no stub looks
/// for them: in coldcc, for one, in nearly all registers.
bool saves_like_c(llvm::CallingConv::ID convention);

/// Code can be made of functions that have it, not only of calls.
bool has_known_prologue(llvm::CallingConv::ID convention);

/// Code generation adds to the names of functions that have it.
bool decorates_names(llvm::CallingConv::ID convention);

} // namespace osr
