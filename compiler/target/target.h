// The code generators of the two tiers.
#pragma once

#include <llvm/Support/Error.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

namespace osr {

enum class CodegenLevel { Fast, Optimizing };

/// What code may use of the processor, where functions do not bring features of their own as attributes.
struct ProcessorChoice {
  std::string name;     ///< LLVM's; empty: the generic one, and code is what an ahead-of-time compile would give
  std::string features; ///< "+feature,-feature"
};

/// Takes names and features that LLVM has for this machine, and "native". The error names one that is unknown, that this
/// processor lacks, or that code cannot do without.
llvm::Expected<ProcessorChoice> choose_processor(llvm::StringRef name, llvm::StringRef features);

/// A target machine for this process: x86-64 Linux, position-independent, emulated thread-locals.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> create_target_machine(CodegenLevel level,
                                                                           const ProcessorChoice &processor = {});

} // namespace osr
