// The only optimisation that canonical IR gets: values instead of memory, and no obvious waste.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace osr {

/// Promotes local variables to values, folds the obvious where there were any, and infers function attributes.
///
/// Nothing is inlined: how much to inline is a tier's choice. Attributes are inferred here because later each function
/// is compiled in a module of its own, where its callees have no bodies. What is inferred stays true for the later
/// steps: seen from a caller, pushing and popping objects leaves no trace, as touching a local variable leaves none.
/// Steps that change what a parameter is used for adjust that parameter's attributes themselves.
void simplify(llvm::Module &module, llvm::TargetMachine &machine);

/// Branches whose condition is a constant go one way, and what cannot be reached is gone. Code generation would keep its
/// blocks, where nothing says what the frame looks like.
void fold_known_branches(llvm::Function &function);

} // namespace osr
