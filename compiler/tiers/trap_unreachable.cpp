#include "compiler/tiers/trap_unreachable.h"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Intrinsics.h>

using namespace llvm;

namespace osr {

void trap_if_unreachable(Function &function) {
  if (function.hasFnAttribute(Attribute::Naked)) // all of its code is inline assembly
    return;
  BasicBlock *block = &function.getEntryBlock();
  SmallPtrSet<BasicBlock *, 4> seen;
  while (BasicBlock *next = block->getUniqueSuccessor()) {
    if (!seen.insert(block).second) // an endless loop is code
      return;
    block = next;
  }
  if (auto *end = dyn_cast<UnreachableInst>(block->getTerminator()))
    IRBuilder<>(end).CreateIntrinsic(Intrinsic::trap, {});
}

} // namespace osr
