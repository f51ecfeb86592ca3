// The promises of canonical IR, checked.
#pragma once

#include "compiler/canonical/canonical_program.h"

namespace osr {

/// All of these stop the process when a promise that later steps rely on is broken.

/// Symbols are external and named.
void check_symbols(const llvm::Module &module);
/// The function is valid; if it is replaceable it has no alloca, struct return, computed goto or label address, and object
/// addresses directly follow their push. To be asked before anything is made of the function.
void check_canonical(const llvm::Function &function, const FunctionInfo &info);

} // namespace osr
