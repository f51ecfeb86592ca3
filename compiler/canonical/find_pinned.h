// Finds the functions whose activations can never be replaced.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/InstrTypes.h>

namespace osr {

/// The first reason that pins `function` (a definition), or None. Run it after convert_struct_returns.
PinReason find_pin_reason(const llvm::Function &function, const llvm::TargetMachine &machine);

/// It makes a guaranteed tail call and has arguments on the stack, so those of the call lie in their place.
bool forwards_stack_arguments(const llvm::Function &function);

/// True for a call that may return a second time (setjmp and its like).
bool may_return_twice(const llvm::CallBase &call);

/// True when a call in `function` may pass an argument, or get its result, in memory that is aligned to more than 16
/// bytes. Its frame has to be realigned, which no replaceable frame is.
bool needs_realigned_frame(const llvm::Function &function, const llvm::TargetMachine &machine);

} // namespace osr
