// By-value arguments become local objects.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Copies each byval parameter of a definition into an alloca at entry and uses the copy instead. The parameter stays
/// byval, so callers are not concerned. After the first instructions nothing points into the caller's frame any more.
void copy_by_value_arguments(llvm::Function &function);

} // namespace osr
