// Calls that are the last act of a function.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

namespace osr {

/// True when the caller may leave its frame to `call`: it returns at once what the call returns.
bool is_tail_position(const llvm::CallBase &call);

/// Gives calls that are marked as tail calls and whose path joins others just to return a return of their own, as code
/// generation does later: then they are not sites any more.
void separate_tail_calls(llvm::Function &function);

} // namespace osr
