// Running LLVM's passes.
#pragma once

#include <llvm/IR/PassManager.h>

namespace llvm {
class PassBuilder;
}

namespace osr {

/// Runs them over the module, with all analyses that `builder` knows.
void run_passes(llvm::Module &module, llvm::PassBuilder &builder, llvm::ModulePassManager passes);

} // namespace osr
