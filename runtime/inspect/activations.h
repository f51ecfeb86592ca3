// Runtime::for_each_activation.
#pragma once

#include "osr/activation.h"
#include "runtime/engine/engine.h"

#include <llvm/ADT/STLFunctionalExtras.h>

namespace osr {

/// Takes the engine's lock until all have been visited.
llvm::Error for_each_activation(Engine &engine, llvm::function_ref<bool(const Activation &)> visit,
                                std::optional<pid_t> thread);

} // namespace osr
