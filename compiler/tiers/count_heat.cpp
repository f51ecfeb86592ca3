#include "compiler/tiers/count_heat.h"

#include "compiler/base/check.h"
#include "compiler/canonical/gather_objects.h"
#include "compiler/sites/loop_polls.h"

#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace osr {
namespace {

using Blocks = SmallSetVector<BasicBlock *, 8>;

/// How many instructions each block that counts stands for: those of all blocks to which no other one is nearer.
class CountedWork {
public:
  CountedWork(Function &function, const Blocks &counting, const LoopInfo &loops) : loops_(loops) {
    for (const BasicBlock *block : counting)
      counting_in_[loops.getLoopFor(block)].push_back(block);
    counting_in_[nullptr].push_back(&function.getEntryBlock());
    for (const BasicBlock &block : function)
      for (const BasicBlock *counts : counts_for(block))
        work_[counts] += block.size();
  }

  std::uint32_t of(const BasicBlock &block) const { return std::max(work_.lookup(&block), 1u); }

private:
  /// In its loop, else in one inside of that, which counts for its rounds too, else in one around it.
  ArrayRef<const BasicBlock *> counts_for(const BasicBlock &block) const {
    for (const Loop *loop = loops_.getLoopFor(&block); loop; loop = loop->getParentLoop()) {
      if (auto found = counting_in_.find(loop); found != counting_in_.end())
        return found->second;
      for (const auto &[other, blocks] : counting_in_)
        if (other && loop->contains(other))
          return blocks;
    }
    return counting_in_.find(nullptr)->second;
  }

  const LoopInfo &loops_;
  MapVector<const Loop *, SmallVector<const BasicBlock *, 2>> counting_in_;
  DenseMap<const BasicBlock *, std::uint32_t> work_;
};

class HeatCounting {
public:
  HeatCounting(Function &function, const HeatCounter &counter)
      : function_(function), counts_work_(counter.counts_work), int32_(Type::getInt32Ty(function.getContext())),
        counter_(function.getParent()->getOrInsertGlobal(heat_counter_symbol, int32_)),
        callee_(function.getParent()->getOrInsertFunction(heat_callee, Type::getVoidTy(function.getContext()),
                                                          counter_->getType(), int32_)) {
    cast<Function>(callee_.getCallee())->addFnAttr(Attribute::NoUnwind);
    cast<GlobalVariable>(counter_)->setDSOLocal(true); // near
  }

  void run() {
    const DominatorTree dominators(function_);
    const LoopInfo loops(dominators);
    const SmallVector<LoadInst *, 8> polls = polls_of(function_);
    const Blocks latches = find_latches(polls, dominators);
    Blocks counting = latches;
    for (LoadInst *poll : polls)
      counting.insert(poll->getParent());
    const CountedWork work(function_, counting, loops);
    const std::uint32_t entry_work = work.of(function_.getEntryBlock());

    for (LoadInst *poll : polls)
      count_in(*poll, amount(work.of(*poll->getParent())));
    for (BasicBlock *latch : latches)
      if (!latch->getTerminatingMustTailCall())
        count_at(latch->getTerminator()->getIterator(), /*in_loop=*/true, amount(work.of(*latch)));
    OSR_CHECK(has_gathered_objects(function_), "counting takes objects of '{}' out of its entry block",
              function_.getName().str());
    count_at(function_.getEntryBlock().getFirstNonPHIOrDbgOrAlloca(), /*in_loop=*/false, amount(entry_work));
  }

private:
  /// Ends of rounds in which no poll counts. A poll of a loop inside counts for those around it, too.
  Blocks find_latches(ArrayRef<LoadInst *> polls, const DominatorTree &dominators) {
    SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 8> edges;
    FindFunctionBackedges(function_, edges);
    Blocks latches;
    for (const auto &[latch, header] : edges)
      if (none_of(polls, [&](const LoadInst *poll) {
            return dominators.dominates(header, poll->getParent()) && dominators.dominates(poll->getParent(), latch);
          }))
        latches.insert(const_cast<BasicBlock *>(latch));
    return latches;
  }

  ConstantInt *amount(std::uint32_t work) { return ConstantInt::get(int32_, counts_work_ ? work : 1); }

  Value *count_down(IRBuilder<> &builder, ConstantInt *amount) {
    Value *left = builder.CreateSub(builder.CreateAlignedLoad(int32_, counter_, Align(4)), amount);
    builder.CreateAlignedStore(left, counter_, Align(4));
    return left;
  }

  void count_in(LoadInst &poll, ConstantInt *amount) {
    IRBuilder<> builder(poll.getParent(), std::next(poll.getIterator()));
    Value *ran_out = builder.CreateAnd(count_down(builder, amount), builder.getInt32(1u << 31));
    Value *wanted = builder.CreateOr(&poll, ran_out);
    poll.replaceUsesWithIf(wanted, [&](Use &use) { return use.getUser() != wanted; });
  }

  void count_at(BasicBlock::iterator place, bool in_loop, ConstantInt *amount) {
    IRBuilder<> builder(place->getParent(), place);
    Value *ran_out = builder.CreateICmpSLT(count_down(builder, amount), builder.getInt32(0));
    MDNode *weights = MDBuilder(function_.getContext()).createUnlikelyBranchWeights();
    Instruction *cold = SplitBlockAndInsertIfThen(ran_out, place, /*Unreachable=*/false, weights);
    builder.SetInsertPoint(cold);
    builder.CreateCall(callee_, {counter_, builder.getInt32(in_loop)});
    cold->getParent()->moveAfter(&function_.back());
  }

  Function &function_;
  bool counts_work_;
  IntegerType *int32_;
  Constant *counter_;
  FunctionCallee callee_;
};

} // namespace

void count_heat(Function &function, const HeatCounter &counter) { HeatCounting(function, counter).run(); }

} // namespace osr
