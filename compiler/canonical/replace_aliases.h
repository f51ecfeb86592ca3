// Aliases become plain uses of what they stand for.
#pragma once

#include "compiler/canonical/canonical_program.h"

namespace osr {

/// Replaces every use of an alias by its target and deletes it; `aliases` gets the names, which other code (the host,
/// dlsym, assembly) may still ask for. Fails on ifuncs and on aliases that are not a symbol plus a constant.
llvm::Error replace_aliases(llvm::Module &module, std::vector<Alias> &aliases);

} // namespace osr
