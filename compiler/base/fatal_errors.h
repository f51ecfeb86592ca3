// What LLVM ends the process for.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Runs `work`. Where LLVM would print "LLVM ERROR: ..." and end the process, e.g. because the code generator has no
/// instructions for something, `work` is abandoned instead, and the error says what LLVM said.
///
/// Abandoned means that its destructors do not run: what LLVM has under construction then is lost, and no object that
/// `work` has handed to LLVM may be used or destroyed any more, except modules and contexts. The handler is LLVM's only
/// one, and the process's: fatal errors elsewhere end the process as ever.
llvm::Error catch_fatal_error(llvm::function_ref<void()> work);

} // namespace osr
