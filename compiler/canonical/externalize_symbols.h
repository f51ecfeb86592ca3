// Gives every global exactly one definition that any other module can refer to by name.
#pragma once

#include <llvm/IR/Module.h>

namespace osr {

/// Makes every function and variable external, named, preemptible (so that code reaches it through the GOT) and free of
/// comdats; drops bodies that are only offered for inlining (available_externally). Run again after passes that create
/// constants; what is external already keeps its name.
///
/// A local symbol is renamed where its name would mean something to LLVM once it is external: a static function called
/// "floor" is not the C library's floor.
void externalize_symbols(llvm::Module &module);

} // namespace osr
