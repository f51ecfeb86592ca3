// What is passed on the stack, and how it is aligned there.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/Target/TargetMachine.h>

#include <cstdint>

namespace osr {

/// A bound: never less than the C convention takes, a multiple of 16, and 0 where all arguments surely are in registers.
/// Variable arguments are not counted.
std::uint64_t most_stack_argument_bytes(const llvm::Function &function);

/// An argument on the stack may want more alignment than the stack has.
bool has_over_aligned_stack_argument(const llvm::Function &function);

/// The same of a call, or of the memory for its result: the caller's frame has to be realigned.
bool needs_realigned_frame(const llvm::CallBase &call, const llvm::TargetMachine &machine);

} // namespace osr
