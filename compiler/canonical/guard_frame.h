// Functions that control can come back into by another way than a return.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// For pinned functions. A handler may leave by longjmp what has interrupted a transition: so the top of the thread's stack
/// of state buffers is saved at entry, and put back where setjmp returns.
/// Also aligns by hand the local objects that want more than the frame's alignment, for frames are never realigned.
void guard_frame(llvm::Function &function);

} // namespace osr
