// Runtime::at_safepoint.
#pragma once

#include "osr/safepoint.h"
#include "runtime/engine/engine.h"

namespace osr {

/// In any thread, with no lock held. `work` is called without one.
llvm::Error at_safepoint(Engine &engine, llvm::function_ref<void(Safepoint &)> work, const SafepointOptions &options);

} // namespace osr
