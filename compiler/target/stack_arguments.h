// How many bytes of arguments a function may be given on the stack.
#pragma once

#include <llvm/IR/Function.h>

#include <cstdint>

namespace osr {

/// A bound: never less than the C convention takes, a multiple of 16, and 0 where all arguments surely are in registers.
/// Variable arguments are not counted.
std::uint64_t most_stack_argument_bytes(const llvm::Function &function);

/// An argument on the stack may want more alignment than the stack has.
bool has_over_aligned_stack_argument(const llvm::Function &function);

} // namespace osr
