// Fewer polls in very small loops of optimised code.
//
// Where an iteration is a few instructions, a poll in each is felt. Such a loop is unrolled, and only the first of its
// copies polls: a thread comes to a poll a few instructions later. The sites of the others are not missed: sites belong to
// the canonical code, and this version just has no record for them.
#pragma once

#include <llvm/IR/PassManager.h>

namespace osr {

class ThinPolls : public llvm::PassInfoMixin<ThinPolls> {
public:
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

} // namespace osr
