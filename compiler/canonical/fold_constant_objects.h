// Local objects that hold one constant.
#pragma once

#include <llvm/IR/Module.h>

namespace osr {

/// An object without a variable that is only ever given one constant, and read, is that constant: before it is given it, it has no value.
/// Clang makes such a one for the result of a `main` that ends without `return`. It would be a value that activations of another body
/// cannot have, since it has no name.
void fold_constant_objects(llvm::Module &module);

} // namespace osr
