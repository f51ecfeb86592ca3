// Which SSA values are live at which call.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

#include <vector>

namespace osr {

/// Backward liveness over the arguments and instructions of one function. Values are numbered in the order of
/// arguments, then instructions; that order is also the canonical order of every frame state.
class Liveness {
public:
  /// `tracked` says which values take part. `companion_of` gives the value that has to be live wherever another one is: itself,
  /// or one that is its own companion, and defined before it. It has to outlive this.
  Liveness(llvm::Function &function, llvm::function_ref<bool(const llvm::Value &)> tracked,
           llvm::function_ref<llvm::Value *(llvm::Value &)> companion_of);

  /// The values live directly after `call` returned, without its own result, in canonical order; and those of `also`.
  std::vector<llvm::Value *> live_across(llvm::CallBase &call, llvm::ArrayRef<llvm::Value *> also = {}) const;

private:
  /// What a block does to liveness, backward.
  struct Transfer {
    llvm::BitVector used; ///< live at the beginning of the block in any case
    llvm::BitVector defined;
  };
  void number(llvm::Function &function, llvm::function_ref<bool(const llvm::Value &)> tracked);
  Transfer transfer_of(const llvm::BasicBlock &block) const;
  llvm::BitVector live_out(const llvm::BasicBlock &block) const;
  void step_backward(const llvm::Instruction &instruction, llvm::BitVector &live) const;
  void use(llvm::Value &operand, llvm::BitVector &live) const;

  llvm::function_ref<llvm::Value *(llvm::Value &)> companion_of_;
  std::vector<llvm::Value *> values_;
  llvm::DenseMap<const llvm::Value *, unsigned> number_;
  llvm::DenseMap<const llvm::BasicBlock *, llvm::BitVector> live_in_; ///< without the block's own phis
};

} // namespace osr
