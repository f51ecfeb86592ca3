// What every verb begins with: program files in, canonical program out.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/LLVMContext.h>

#include <string>
#include <vector>

namespace osr {

/// Loads, links and canonicalises the given modules.
llvm::Expected<CanonicalProgram> load_input(llvm::LLVMContext &context, const std::vector<std::string> &paths);

/// Prints `osrctl: text` for an error and returns exit_failure.
int report(llvm::Error error);

} // namespace osr
