// Guards become control flow, and deoptimizing a call.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Replaces llvm.experimental.guard, .deoptimize and .widenable.condition by what exit_calls.h describes. No condition is
/// widened: a widenable one is true.
///
/// A "deopt" bundle of any other call is dropped: it lets a runtime leave the frame when the call returns, and this one
/// knows every frame by states of its own. Errors: a continuation that does not fit its bundle or its function, a value
/// or result that cannot be handed over; the text names the function.
llvm::Error make_guards_explicit(llvm::Module &module);

} // namespace osr
