// Calls of functions that call themselves: sites that stay.
#pragma once

#include <llvm/IR/Module.h>

namespace osr {

/// LLVM does not inline a function that calls itself, except where constant arguments leave nothing of that. A function of
/// which a self call can follow another one still calls itself when tail calls have become loops. All calls of such
/// functions are marked as not to be inlined, which costs next to nothing, so that loops around them need no poll.
void keep_recursive_calls(llvm::Module &module);

} // namespace osr
