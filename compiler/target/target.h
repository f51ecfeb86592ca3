// The code generators of the two tiers.
#pragma once

#include <llvm/Support/Error.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>

namespace osr {

enum class CodegenLevel { Fast, Optimizing };

/// A target machine for this process: x86-64 Linux, position-independent, emulated thread-locals. The CPU is the
/// generic one; functions bring their own features as attributes, so code is what an ahead-of-time compile would give.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> create_target_machine(CodegenLevel level);

} // namespace osr
