// Functions that catch exceptions or clean up behind them.
#pragma once

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Function.h>

namespace osr {

llvm::SmallVector<llvm::BasicBlock *, 8> find_landing_pads(llvm::Function &function);

/// Gives the normal destination of each invoke one predecessor and no phi. That is the place right behind the call: where
/// its result may be used, and where stack maps and continuations begin.
void isolate_normal_destinations(llvm::Function &function);

/// A landing pad hands out the number of the type that matched. Code generation gives each function its own numbers, so an
/// activation that is replaced between landing and comparing would compare with those of other code. Here they become
/// numbers that are the same in all code: hashes of the type's name. Comes after split_aggregates. False if two types of
/// the function have the same one, or one has no name.
bool make_selectors_neutral(llvm::Function &function);

} // namespace osr
