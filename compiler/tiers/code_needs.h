// Which values the code of a function needs for itself, whatever its records say.
#pragma once

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/ValueMap.h>

namespace osr {

/// While records are lowered one after the other: frame states and what became of them do not count as uses.
class CodeNeeds {
public:
  explicit CodeNeeds(const llvm::Function &function) : function_(function) {}

  /// Does anything that may be executed behind `call` use `value`, an argument or what an instruction computes? Then it is in a register or
  /// a slot of the code generator's there anyway.
  bool has_use_behind(const llvm::Value &value, const llvm::CallBase &call);

private:
  using Blocks = llvm::SmallPtrSet<const llvm::BasicBlock *, 8>;
  Blocks blocks_that_pass_on(const llvm::Value &value) const;

  const llvm::Function &function_;
  // Calls are replaced by calls without frame states meanwhile, and are values too: the map follows them.
  llvm::ValueMap<const llvm::Value *, Blocks> passed_on_; ///< at whose ends the value is needed
};

} // namespace osr
