// Removes what a front end wrote for its own purposes: debugging, hardening, linkage details, -O0 artefacts.
#pragma once

#include "compiler/canonical/source_lines.h"

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Sets the function attributes that every version of every function shares (no frame realignment, asynchronous unwind
/// tables, no frame pointer of its own), drops those that would get in the way, and makes the module
/// position-independent. "target-cpu" and "target-features" stay as they are.
/// Fails on data that has to lie before a function's entry, for entries are thunks.
llvm::Error strip_front_end(llvm::Module &module, DebugInformation debug);

} // namespace osr
