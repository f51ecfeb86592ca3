// Functions that control can come back into by another way than a return.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// For pinned functions. After longjmp and at a landing pad the functions in between have not popped their object
/// frames, so the top of the object stack is saved at entry and put back there.
/// Also aligns by hand the local objects that want more than the frame's alignment, for frames are never realigned.
void guard_object_stack(llvm::Function &function);

} // namespace osr
