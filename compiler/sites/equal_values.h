// What values of one function are the same as values of another one, which is the same code but for what it observes.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Function.h>

#include <utility>

namespace osr {

/// Of functions in any two contexts. Calls of gate_see in the other one count as nothing.
class EqualValues {
public:
  EqualValues(const llvm::Function &one, const llvm::Function &other) : one_(one), other_(other) {}

  /// The same blocks, which do the same to memory and are left in the same ways. First of all.
  bool go_the_same_ways();
  bool are_equal(const llvm::Value &left, const llvm::Value &right);

private:
  using Pair = std::pair<const llvm::Value *, const llvm::Value *>;
  using Pairs = llvm::DenseSet<Pair>;
  using Rest = llvm::SmallVectorImpl<Pair>;

  bool pair_effects(const llvm::BasicBlock &left, const llvm::BasicBlock &right);
  bool have_same_effect(const llvm::Instruction &left, const llvm::Instruction &right);
  bool end_alike(const llvm::Instruction &left, const llvm::Instruction &right);
  bool follow(const llvm::Value &left, const llvm::Value &right, Pairs &assumed) const;
  bool match(const llvm::Instruction &left, const llvm::Instruction &right, Rest &rest) const;
  bool match(const llvm::PHINode &left, const llvm::PHINode &right, Rest &rest) const;

  const llvm::Function &one_, &other_;
  llvm::DenseMap<const llvm::BasicBlock *, const llvm::BasicBlock *> opposite_;
  llvm::DenseMap<const llvm::Instruction *, const llvm::Instruction *> effects_;
  Pairs proven_;
};

} // namespace osr
