// A number for what a function does, to see that two compilations of one source came to the same code.
#pragma once

#include <llvm/IR/Function.h>

#include <cstdint>

namespace osr {

/// Of instructions, their order, types and operands. Names of values, attributes and metadata, and so debug
/// information, make no difference; nor does the context. A module's own constants, such as texts, are what is in them.
std::uint64_t fingerprint(const llvm::Function &function);

} // namespace osr
