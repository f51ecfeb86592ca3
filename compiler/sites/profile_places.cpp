#include "compiler/sites/profile_places.h"

#include "compiler/canonical/exit_calls.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/number_sites.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>

using namespace llvm;

namespace osr {
namespace {

bool has_site(const BasicBlock &block) {
  return any_of(block, [](const Instruction &instruction) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    return call && is_site(*call) && !is_guard_failed(*call) && !is_loop_poll(*call);
  });
}

bool begins_with_exit(const BasicBlock &block) {
  const auto *call = dyn_cast<CallBase>(&*block.getFirstNonPHIIt());
  return call && (is_guard_failed(*call) || is_loop_poll(*call));
}

class ProfilePlaceFinder {
public:
  explicit ProfilePlaceFinder(Function &function) : function_(function), dominators_(function), loops_(dominators_) {
    for (const DomTreeNode *node : post_order(&dominators_))
      look_at(*node);
  }

  ProfilePlaces find() {
    ProfilePlaces found;
    for (BasicBlock &block : function_) {
      if (!dominators_.isReachableFromEntry(&block))
        continue;
      for (Instruction &instruction : block)
        if (auto *call = dyn_cast<CallBase>(&instruction); call && call->isIndirectCall() && is_site(*call))
          found.calls.push_back(call);
      auto *branch = dyn_cast<BranchInst>(block.getTerminator());
      if (!branch || !branch->isConditional() || isa<Constant>(branch->getCondition()) || is_exit_test(*branch))
        continue;
      CountedBranch counted{branch};
      for (unsigned side : {0u, 1u}) // the first successor is where a true condition leads
        counted.may_give_up[1 - side] = may_give_up(block, *branch->getSuccessor(side));
      if (counted.may_give_up[0] || counted.may_give_up[1])
        found.branches.push_back(counted);
    }
    return found;
  }

private:
  /// Of all that a block dominates.
  struct Facts {
    bool has_site = false;
    bool is_dead_end = false; ///< nothing in it returns or leads out of it
  };

  void look_at(const DomTreeNode &node) {
    const BasicBlock &block = *node.getBlock();
    Facts facts;
    facts.has_site = has_site(block);
    facts.is_dead_end = !isa<ReturnInst>(block.getTerminator()) &&
                        all_of(successors(&block), [&](const BasicBlock *next) { return is_child(node, *next); });
    for (const DomTreeNode *child : node.children()) {
      const Facts below = facts_.lookup(child->getBlock());
      facts.has_site |= below.has_site;
      facts.is_dead_end &= below.is_dead_end;
    }
    facts_[&block] = facts;
  }

  bool is_child(const DomTreeNode &node, const BasicBlock &block) const {
    return dominators_.getNode(&block)->getIDom() == &node;
  }

  static bool is_exit_test(const BranchInst &branch) {
    return begins_with_exit(*branch.getSuccessor(0)) || begins_with_exit(*branch.getSuccessor(1));
  }

  bool may_give_up(const BasicBlock &block, const BasicBlock &side) const {
    const Facts facts = facts_.lookup(&side);
    return side.getSinglePredecessor() == &block && facts.has_site && !facts.is_dead_end && !ends_loop(block, side);
  }

  bool ends_loop(const BasicBlock &block, const BasicBlock &side) const {
    const Loop *loop = loops_.getLoopFor(&block);
    return loop && !loop->contains(&side) &&
           (loop->getHeader() == &block || loop->isLoopLatch(&block) || loop->getExitingBlock() == &block);
  }

  Function &function_;
  DominatorTree dominators_;
  LoopInfo loops_;
  DenseMap<const BasicBlock *, Facts> facts_;
};

} // namespace

ProfilePlaces find_profile_places(Function &function) { return ProfilePlaceFinder(function).find(); }

} // namespace osr
