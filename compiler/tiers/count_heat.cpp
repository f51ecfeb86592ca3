#include "compiler/tiers/count_heat.h"

#include "compiler/base/check.h"
#include "compiler/canonical/gather_objects.h"
#include "compiler/sites/loop_polls.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace osr {
namespace {

class HeatCounting {
public:
  HeatCounting(Function &function, const HeatCounter &counter)
      : function_(function), int32_(Type::getInt32Ty(function.getContext())),
        counter_(ConstantExpr::getIntToPtr(
            ConstantInt::get(Type::getInt64Ty(function.getContext()), reinterpret_cast<std::uint64_t>(&counter)),
            PointerType::getUnqual(function.getContext()))),
        callee_(function.getParent()->getOrInsertFunction(heat_callee, Type::getVoidTy(function.getContext()),
                                                          counter_->getType(), int32_)) {
    cast<Function>(callee_.getCallee())->addFnAttr(Attribute::NoUnwind);
  }

  void run() {
    const SmallVector<LoadInst *, 8> polls = polls_of(function_);
    const SmallSetVector<BasicBlock *, 8> latches = find_latches(polls);
    for (LoadInst *poll : polls)
      count_in(*poll);
    for (BasicBlock *latch : latches)
      if (!latch->getTerminatingMustTailCall())
        count_at(latch->getTerminator()->getIterator(), /*in_loop=*/true);
    OSR_CHECK(has_gathered_objects(function_), "counting takes objects of '{}' out of its entry block",
              function_.getName().str());
    count_at(function_.getEntryBlock().getFirstNonPHIOrDbgOrAlloca(), /*in_loop=*/false);
  }

private:
  /// Ends of rounds in which no poll counts. A poll of a loop inside counts for those around it, too.
  SmallSetVector<BasicBlock *, 8> find_latches(ArrayRef<LoadInst *> polls) {
    SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 8> edges;
    FindFunctionBackedges(function_, edges);
    const DominatorTree dominators(function_);
    SmallSetVector<BasicBlock *, 8> latches;
    for (const auto &[latch, header] : edges)
      if (none_of(polls, [&](const LoadInst *poll) {
            return dominators.dominates(header, poll->getParent()) && dominators.dominates(poll->getParent(), latch);
          }))
        latches.insert(const_cast<BasicBlock *>(latch));
    return latches;
  }

  Value *count_down(IRBuilder<> &builder) {
    Value *left = builder.CreateSub(builder.CreateAlignedLoad(int32_, counter_, Align(4)), builder.getInt32(1));
    builder.CreateAlignedStore(left, counter_, Align(4));
    return left;
  }

  void count_in(LoadInst &poll) {
    IRBuilder<> builder(poll.getParent(), std::next(poll.getIterator()));
    Value *ran_out = builder.CreateAnd(count_down(builder), builder.getInt32(1u << 31));
    Value *wanted = builder.CreateOr(&poll, ran_out);
    poll.replaceUsesWithIf(wanted, [&](Use &use) { return use.getUser() != wanted; });
  }

  void count_at(BasicBlock::iterator place, bool in_loop) {
    IRBuilder<> builder(place->getParent(), place);
    Value *ran_out = builder.CreateICmpSLT(count_down(builder), builder.getInt32(0));
    MDNode *weights = MDBuilder(function_.getContext()).createUnlikelyBranchWeights();
    Instruction *cold = SplitBlockAndInsertIfThen(ran_out, place, /*Unreachable=*/false, weights);
    builder.SetInsertPoint(cold);
    builder.CreateCall(callee_, {counter_, builder.getInt32(in_loop)});
    cold->getParent()->moveAfter(&function_.back());
  }

  Function &function_;
  Type *int32_;
  Constant *counter_;
  FunctionCallee callee_;
};

} // namespace

void count_heat(Function &function, const HeatCounter &counter) { HeatCounting(function, counter).run(); }

} // namespace osr
