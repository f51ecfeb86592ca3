// Whether objects of a running program would mean something else to a new version.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Structures of both, by their names: from the debug information of both, and from what the IR says of them. The error names one
/// that differs. What only pointers lead to is seen with debug information only.
llvm::Error check_layouts(const llvm::Module &before, const llvm::Module &after);

} // namespace osr
