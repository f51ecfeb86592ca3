// Types as texts that are equal if their values lie in memory alike, whatever module they are from.
#pragma once

#include <llvm/IR/DerivedTypes.h>

#include <string>

namespace osr {

/// As LLVM prints it, but with the members of structures in place of their names.
std::string type_text(const llvm::Type &type);

} // namespace osr
