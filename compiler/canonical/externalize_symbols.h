// Gives every global exactly one definition that any other module can refer to by name.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/Module.h>

namespace osr {

/// Writes out what code generation adds to the names of functions of some conventions ("f" is "f@@16" by vectorcall).
/// Whoever emits objects has to keep it from being added again. Has no effect when done again.
void decorate_names(llvm::Module &module);
bool is_decorated(const llvm::Function &function);

/// What the module defines for others, before all of it is external.
std::vector<Export> find_exports(const llvm::Module &module);

/// Makes every function and variable external, named, preemptible (so that code reaches it through the GOT) and free of
/// comdats; drops bodies that are only offered for inlining (available_externally). Run again after passes that create
/// constants; what is external already keeps its name.
///
/// A local symbol is renamed where its name would mean something to LLVM once it is external: a static function called
/// "floor" is not the C library's floor.
void externalize_symbols(llvm::Module &module);

} // namespace osr
