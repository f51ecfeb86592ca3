// Static objects stand at the beginning of a function.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Moves the objects of constant size that stand among other instructions of the entry block to its beginning. Whoever
/// splits the block behind them (counters, polls) would leave those below out of the fixed frame: as dynamic objects
/// they move rsp at run time, by multiples of 16 only, and arguments in memory that want more are then misaligned.
void gather_static_objects(llvm::Function &function);

/// True when no object of constant size stands behind another instruction of the entry block.
bool has_gathered_objects(const llvm::Function &function);

} // namespace osr
