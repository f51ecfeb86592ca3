// A runtime for a program that is in canonical form already: for tools that look at it first.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "osr/runtime.h"

namespace osr {

/// As Runtime::create. The program's context must outlive the runtime, and belongs to it from here on.
llvm::Expected<std::unique_ptr<Runtime>> create_runtime(CanonicalProgram program, RuntimeOptions options = {});

} // namespace osr
