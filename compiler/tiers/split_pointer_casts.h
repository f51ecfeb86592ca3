// Casts between address spaces of several pointers at once.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// LLVM's vectoriser makes vectors of such casts, and its code generator ends the process at them: it knows them only of one
/// pointer. So each is made one by one. To be run when nothing is optimised any more.
void split_pointer_casts(llvm::Function &function);

} // namespace osr
