// Makes room for a continuation to begin outside of all loops.
#pragma once

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/BasicBlock.h>

namespace osr {

/// Who enters a loop in its middle makes it irreducible, and the optimiser does next to nothing with such loops: no code
/// moves out of them, nothing is vectorised. So each loop around the block B gets a copy of its first round in front of it,
/// outermost first:
///
///     loop {                       first round of the outer loop; in it {
///       a                            a
///       loop { b  B  c }               b  B2  c        <- in no loop
///       d                              loop { b  B1  c }
///     }                              d
///                                  }
///                                  loop { a  loop { b  B  c }  d }
///
/// What comes before B2 can go when control begins there. Loops that are too large for a copy, irreducible ones and those
/// that LLVM cannot peel stay as they are. Returns `block` and its copies; the last one is in no loop, as far as that is so.
llvm::SmallVector<llvm::BasicBlock *, 4> peel_loops_around(llvm::BasicBlock &block);

} // namespace osr
