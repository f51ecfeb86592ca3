// Gives undefined phi and select operands a value.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Replaces undef and poison (also parts of constants) by zero where control flow chooses between values.
///
/// Otherwise a value could be live at a site on paths on which nothing ever defined it: its slot or register would
/// hold whatever was there, and no frame state could be proved complete. Run it after split_aggregates.
void define_undef(llvm::Function &function);

} // namespace osr
