// Recipes: values that are recomputed when a frame is left instead of being kept alive for its record.
#pragma once

#include "compiler/tiers/lowered_record.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/DataLayout.h>
#include <llvm/IR/Value.h>

namespace osr {

/// A value seen as recipe over a leaf.
struct Derivation {
  llvm::Value *leaf = nullptr; ///< null: `lowered` is complete (a constant or a symbol)
  LoweredValue lowered;        ///< kind and recipe; operand not yet set
};

/// Walks from `value` through cheap pure operations with constant operands. Steps to an instruction's operand are
/// taken only when `is_recorded` accepts the operand, or a further one that is reached (it is recorded anyway), or the
/// instruction has no other user than frame states: a recipe never lengthens the life of one value only to save another.
Derivation derive(llvm::Value &value, const llvm::DataLayout &layout,
                  llvm::function_ref<bool(const llvm::Value &)> is_recorded);

} // namespace osr
