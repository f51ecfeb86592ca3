// The host's own interpreter goes on in compiled code, in the middle of a function.
#pragma once

#include "osr/entered.h"
#include "runtime/engine/engine.h"

namespace osr {

/// Runtime::enter_at. Takes the engine's lock until control enters the code.
llvm::Expected<std::uint64_t> enter_at(Engine &engine, llvm::StringRef function, std::uint32_t site,
                                       llvm::ArrayRef<EnteredValue> state, std::uint64_t result, FillObjects fill);

/// Runtime::enter_at_point.
llvm::Expected<std::uint64_t> enter_at_point(Engine &engine, llvm::StringRef function, std::uint64_t point,
                                             llvm::ArrayRef<EnteredValue> values, std::uint64_t result,
                                             FillObjects fill);

} // namespace osr
