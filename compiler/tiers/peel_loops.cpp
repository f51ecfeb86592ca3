#include "compiler/tiers/peel_loops.h"

#include "compiler/sites/loop_analyses.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Transforms/Utils/LoopPeel.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/LoopUtils.h>

using namespace llvm;

namespace osr {
namespace {

/// More than this is not copied: compiling it would take longer than is won.
constexpr std::size_t most_copied = 3000;

std::size_t instructions_in(const Loop &loop) {
  std::size_t sum = 0;
  for (const BasicBlock *block : loop.blocks())
    sum += block->size();
  return sum;
}

class Peeling {
public:
  explicit Peeling(Function &function) : analyses_(function) {}

  SmallVector<BasicBlock *, 4> peel_around(BasicBlock &block) {
    SmallVector<BasicBlock *, 4> copies{&block};
    for (std::size_t left_alone = 0;;) {
      const SmallVector<Loop *, 4> around = simplified_loops_around(*copies.back());
      if (left_alone >= around.size())
        return copies;
      if (BasicBlock *copy = peel(*around[left_alone], *copies.back()))
        copies.push_back(copy);
      else
        ++left_alone;
    }
  }

private:
  /// LLVM may make two loops of one that has several ways back, so the block may then be in fewer or more of them.
  SmallVector<Loop *, 4> simplified_loops_around(const BasicBlock &block) {
    if (Loop *inner = analyses_.loops.getLoopFor(&block))
      simplifyLoop(inner->getOutermostLoop(), &analyses_.dominators, &analyses_.loops, &analyses_.counts,
                   &analyses_.assumptions, /*MSSAU=*/nullptr, /*PreserveLCSSA=*/false);
    SmallVector<Loop *, 4> outer_first;
    for (Loop *loop = analyses_.loops.getLoopFor(&block); loop; loop = loop->getParentLoop())
      outer_first.insert(outer_first.begin(), loop);
    return outer_first;
  }

  /// The copy of the block in the first round; null if there is none.
  BasicBlock *peel(Loop &loop, const BasicBlock &block) {
    const std::size_t size = instructions_in(loop);
    if (size > left_)
      return nullptr;
    if (!canPeel(&loop))
      return nullptr;
    formLCSSARecursively(loop, analyses_.dominators, &analyses_.loops, &analyses_.counts);
    ValueToValueMapTy copies;
    if (!peelLoop(&loop, /*PeelCount=*/1, /*PeelLast=*/false, &analyses_.loops, &analyses_.counts, analyses_.dominators,
                  &analyses_.assumptions,
                  /*PreserveLCSSA=*/true, copies))
      return nullptr;
    left_ -= size;
    return cast<BasicBlock>(copies[&block]);
  }

  LoopAnalyses analyses_;
  std::size_t left_ = most_copied;
};

} // namespace

SmallVector<BasicBlock *, 4> peel_loops_around(BasicBlock &block) {
  return Peeling(*block.getParent()).peel_around(block);
}

} // namespace osr
