// The only optimisation that canonical IR gets: values instead of memory, and no obvious waste.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace osr {

/// Promotes local variables to values, folds the obvious and infers function attributes.
///
/// Nothing is inlined: how much to inline is a tier's choice. Attributes are inferred here because later each function
/// is compiled in a module of its own, where its callees have no bodies. What is inferred stays true for the later
/// steps: seen from a caller, pushing and popping objects leaves no trace, as touching a local variable leaves none.
/// Steps that change what a parameter is used for adjust that parameter's attributes themselves.
void simplify(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace osr
