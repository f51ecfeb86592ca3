// Where a program's variables are at each instruction of a function, as its debug information says.
//
// LLVM keeps records between the instructions: from here on the variable is this value; its value was just assigned, and
// the store of it is that one. A record holds until the next one for the variable on every way to an instruction; where ways
// meet that say different things, nothing is known. Neither is what a record says of a value once that is computed anew, nor
// what was assigned to a variable in memory whose store is gone, once somebody else may have written there.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/DebugProgramInstruction.h>
#include <llvm/IR/Function.h>

#include <map>

namespace osr {

struct VariablePlace {
  enum class Kind : std::uint8_t { Nowhere, Value, Memory };
  Kind kind = Kind::Nowhere;
  llvm::Value *value = nullptr; ///< or where it lies
  std::int64_t addend = 0;
  llvm::Value *home = nullptr; ///< what is assigned to it may also be stored here
  llvm::DIAssignID *assigned = nullptr, *stored = nullptr; ///< the newest assignment, and the newest of its stores
  friend bool operator==(const VariablePlace &, const VariablePlace &) = default;
};

/// By variable, inlined copy and part of it.
using VariablePlaces = std::map<llvm::DebugVariable, VariablePlace>;

class VariableFlow {
public:
  explicit VariableFlow(llvm::Function &function);

  /// Calls `visit` for each instruction, with what is known when it has been executed, in the order of the function.
  void for_each(llvm::function_ref<void(llvm::Instruction &, const VariablePlaces &)> visit);

private:
  void enter(const llvm::BasicBlock &block, VariablePlaces &places) const;
  void step(llvm::Instruction &instruction, VariablePlaces &places) const;

  llvm::Function &function_;
  llvm::DenseMap<const llvm::BasicBlock *, VariablePlaces> out_; ///< of blocks that were visited
};

} // namespace osr
