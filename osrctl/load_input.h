// What every verb begins with: program files in, canonical program out.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "compiler/codegen/compiler.h"

#include <llvm/IR/LLVMContext.h>

#include <memory>
#include <string>
#include <vector>

namespace osr {

/// Loads, links and canonicalises the given modules.
llvm::Expected<CanonicalProgram> load_input(llvm::LLVMContext &context, const std::vector<std::string> &paths);

/// The same, with its sites numbered, ready to compile single functions. Nothing is linked or run.
llvm::Expected<std::unique_ptr<Compiler>> load_compiler(llvm::LLVMContext &context,
                                                        const std::vector<std::string> &paths);

/// Prints `osrctl: text` for an error and returns exit_failure.
int report(llvm::Error error);

/// The same for a request that makes no sense: returns exit_usage.
int report_usage(llvm::Error error);

} // namespace osr
