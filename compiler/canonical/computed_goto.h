// Computed goto becomes switch.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Replaces the address of each block by a small number (1, 2, ... within its function) everywhere, also in global
/// tables and label differences, and each indirectbr by a switch on that number.
///
/// A block's address is an address inside one version's code; a number means the same in all versions. Fails when a
/// label's address is given to inline assembly, which could only use it as a code address.
llvm::Error expand_computed_goto(llvm::Module &module);

/// True for such a switch.
bool is_computed_goto(const llvm::Instruction &terminator);

/// Makes jumps through a table of block addresses again of the function's switches that were computed gotos, where
/// optimisation has left them whole: for code that is about to be generated. Code generation copies an indirect jump to
/// each place that jumps, so that each is predicted for itself; the jump of a switch stays shared.
void restore_computed_goto(llvm::Function &function);

} // namespace osr
