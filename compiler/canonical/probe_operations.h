// Which of LLVM's operations there is no code for, found before the program starts.
#pragma once

#include <llvm/Support/Error.h>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace osr {

/// Intrinsics take nearly any type, and code generation has no instructions for some ("Cannot select"); no table says for
/// which. So each one with an unusual type, and each that few machines have, is compiled here: once for each type and set
/// of processor features, in a function of its own that is thrown away. A program without such ones costs a look at its
/// declarations. The error names a function that uses what cannot be compiled.
llvm::Error probe_operations(const llvm::Module &module, llvm::TargetMachine &machine);

} // namespace osr
