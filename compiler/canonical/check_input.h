// What LLVM's code generator for x86-64 cannot take, or what cannot go together with records of our own.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Looks at each instruction once. The error names function and construct: code generation would end the process for it, in
/// the middle of the program.
llvm::Error check_input(const llvm::Module &module);

} // namespace osr
