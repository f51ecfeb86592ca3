// The host's own interpreter goes on in compiled code, in the middle of a function.
#pragma once

#include "runtime/engine/engine.h"

#include <cstddef>
#include <span>

namespace osr {

/// The bytes of one value of a frame state, as a store of the value writes them.
using EnteredValue = std::span<const std::byte>;

/// Runtime::enter_at. Takes the engine's lock until control enters the code.
llvm::Expected<std::uint64_t> enter_at(Engine &engine, llvm::StringRef function, std::uint32_t site,
                                       llvm::ArrayRef<EnteredValue> state, std::uint64_t result);

/// Runtime::enter_at_point.
llvm::Expected<std::uint64_t> enter_at_point(Engine &engine, llvm::StringRef function, std::uint64_t point,
                                             llvm::ArrayRef<EnteredValue> values, std::uint64_t result);

} // namespace osr
