// What LLVM's fast instruction selector, which makes baseline code, would leave out.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Changes a function that is about to be baseline code, the only one in its module, so that nothing of what it does is left out.
/// What it has callees promise about memory is not kept.
void keep_from_fast_selection(llvm::Function &function);

} // namespace osr
