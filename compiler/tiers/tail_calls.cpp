#include "compiler/tiers/tail_calls.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace osr {
namespace {

/// The return at the end of a block that does nothing else.
ReturnInst *only_return(BasicBlock &block) {
  auto *ret = dyn_cast<ReturnInst>(block.getTerminator());
  return ret && block.getFirstNonPHIOrDbg() == ret->getIterator() ? ret : nullptr;
}

/// Whether `block` goes on to where `ret` returns, right after a call and with no other result than the call's.
bool ends_in_tail_call(BasicBlock &block, const ReturnInst &ret) {
  const auto *branch = dyn_cast<BranchInst>(block.getTerminator());
  if (!branch || branch->isConditional())
    return false;
  const auto *call = dyn_cast_or_null<CallInst>(branch->getPrevNode());
  if (!call || !call->isTailCall())
    return false;
  const Value *result = ret.getReturnValue();
  if (const auto *phi = dyn_cast_or_null<PHINode>(result); phi && phi->getParent() == ret.getParent())
    result = phi->getIncomingValueForBlock(&block);
  return !result || result == call;
}

} // namespace

bool is_tail_position(const CallBase &call) {
  const auto *plain = dyn_cast<CallInst>(&call);
  if (!plain || !plain->isTailCall())
    return false;
  const auto *ret = dyn_cast_or_null<ReturnInst>(plain->getNextNode());
  return ret && (!ret->getReturnValue() || ret->getReturnValue() == plain);
}

void separate_tail_calls(Function &function) {
  for (BasicBlock &block : make_early_inc_range(function)) {
    ReturnInst *ret = only_return(block);
    if (!ret)
      continue;
    for (BasicBlock *before : SmallVector<BasicBlock *, 8>(predecessors(&block)))
      if (ends_in_tail_call(*before, *ret))
        FoldReturnIntoUncondBranch(ret, &block, before);
    if (pred_empty(&block) && !block.isEntryBlock())
      DeleteDeadBlock(&block);
  }
}

} // namespace osr
