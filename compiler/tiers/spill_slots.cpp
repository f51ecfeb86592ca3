#include "compiler/tiers/spill_slots.h"

#include "osr-stubs/frame_words.h"

#include <llvm/ADT/SetVector.h>
#include <llvm/Analysis/BlockFrequencyInfo.h>
#include <llvm/Analysis/BranchProbabilityInfo.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/DataLayout.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>

using namespace llvm;

namespace osr {
namespace {

BasicBlock::iterator behind_definition(Value &value, Function &function) {
  auto *definition = dyn_cast<Instruction>(&value); // or an argument, or the address of a constant
  return definition ? *definition->getInsertionPointAfterDef() : function.getEntryBlock().getFirstNonPHIOrDbgOrAlloca();
}

/// Knows how often blocks are executed, as far as one can tell.
class Placement {
public:
  explicit Placement(Function &function)
      : dominators_(function), loops_(dominators_), branches_(function, loops_), blocks_(function, branches_, loops_) {}

  /// Where to store a value that is defined in `definition`, so that it is stored before each of the calls.
  SmallSetVector<BasicBlock *, 4> best_blocks(BasicBlock &definition, ArrayRef<WeakTrackingVH> calls) const;

private:
  BasicBlock *least_frequent(BasicBlock &definition, BasicBlock &use) const;

  DominatorTree dominators_;
  LoopInfo loops_;
  BranchProbabilityInfo branches_;
  BlockFrequencyInfo blocks_;
};

/// Of all blocks between the two, through which each way from the one to the other leads.
BasicBlock *Placement::least_frequent(BasicBlock &definition, BasicBlock &use) const {
  const DomTreeNode *best = dominators_.getNode(&use);
  if (!best) // cannot be reached
    return &definition;
  for (const DomTreeNode *node = best; node->getBlock() != &definition;) {
    node = node->getIDom();
    if (blocks_.getBlockFreq(node->getBlock()) <= blocks_.getBlockFreq(best->getBlock()))
      best = node;
  }
  return best->getBlock();
}

SmallSetVector<BasicBlock *, 4> Placement::best_blocks(BasicBlock &definition, ArrayRef<WeakTrackingVH> calls) const {
  SmallSetVector<BasicBlock *, 4> blocks;
  for (const WeakTrackingVH &call : calls)
    blocks.insert(least_frequent(definition, *cast<Instruction>(call)->getParent()));
  BlockFrequency sum(0);
  for (const BasicBlock *block : blocks)
    sum += blocks_.getBlockFreq(block);
  if (sum >= blocks_.getBlockFreq(&definition)) {
    blocks.clear();
    blocks.insert(&definition);
  }
  return blocks;
}

} // namespace

AllocaInst &SpillSlots::slot_of(Value &value, CallBase &call) {
  auto [known, is_new] = index_.insert({&value, slots_.size()});
  if (is_new) {
    BasicBlock &entry = function_.getEntryBlock();
    Slot &slot = slots_.emplace_back();
    slot.value = &value;
    slot.slot = IRBuilder<>(&entry, entry.begin()).CreateAlloca(value.getType(), nullptr, "osr.spill");
    slot.slot->setAlignment(
        std::min(Align(call_alignment), function_.getDataLayout().getPrefTypeAlign(value.getType())));
  }
  Slot &slot = slots_[known->second];
  slot.calls.push_back(&call);
  return *slot.slot;
}

void SpillSlots::store_all() {
  if (slots_.empty())
    return;
  const Placement placement(function_);
  for (const Slot &slot : slots_) {
    const BasicBlock::iterator definition = behind_definition(*slot.value, function_);
    for (BasicBlock *block : placement.best_blocks(*definition->getParent(), slot.calls))
      new StoreInst(slot.value, slot.slot, /*isVolatile=*/false, slot.slot->getAlign(),
                    block == definition->getParent() ? definition : block->getFirstInsertionPt());
  }
}

} // namespace osr
