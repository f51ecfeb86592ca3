// The optimised tier's middle end: LLVM's own O2 pipeline, with frame states on the calls.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace osr {

/// Runs the default O2 pipeline over `module`. With `verify_with`, every pass is followed by a check of all frame
/// states against the site table, and the error names the pass that broke one.
llvm::Error optimize(llvm::Module &module, llvm::TargetMachine &machine, const CanonicalProgram *verify_with);

} // namespace osr
