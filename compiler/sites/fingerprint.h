// A number for what a function does, to see that two compilations of one source came to the same code.
#pragma once

#include <llvm/IR/Function.h>

#include <cstdint>

namespace osr {

/// Of canonical code: instructions, their order, types and operands. Names of values, attributes and metadata, and so debug
/// information, make no difference; nor does the context.
std::uint64_t fingerprint(const llvm::Function &function);

} // namespace osr
