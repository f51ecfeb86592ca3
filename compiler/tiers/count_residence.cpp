#include "compiler/tiers/count_residence.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/IRBuilder.h>

using namespace llvm;

namespace osr {

void count_residence(Function &function, std::uint64_t counter_address) {
  SmallVector<Instruction *, 8> returns;
  for (BasicBlock &block : function)
    if (isa<ReturnInst>(block.getTerminator())) {
      Instruction *call = block.getTerminatingMustTailCall(); // nothing may stand between it and the return
      returns.push_back(call ? call : block.getTerminator());
    }
  IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
  Value *counter = ConstantExpr::getIntToPtr(builder.getInt64(counter_address), builder.getPtrTy());
  auto add = [&](std::int64_t number) {
    builder.CreateAtomicRMW(AtomicRMWInst::Add, counter, builder.getInt64(std::uint64_t(number)), Align(8),
                            AtomicOrdering::Monotonic);
  };
  add(1);
  for (Instruction *end : returns) {
    builder.SetInsertPoint(end);
    add(-1);
  }
}

} // namespace osr
