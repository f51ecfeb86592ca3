#include "compiler/tiers/thin_polls.h"

#include "compiler/sites/loop_polls.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/OptimizationRemarkEmitter.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/LoopUtils.h>
#include <llvm/Transforms/Utils/UnrollLoop.h>

#include <optional>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned copies = 4;
constexpr unsigned most_instructions = 16; ///< of an iteration, without its poll

/// The four instructions of a poll, as the optimiser leaves them in most cases.
struct Poll {
  LoadInst *load;
  ICmpInst *compare;
  BranchInst *branch;
  unsigned cold; ///< index of the successor that calls
};

std::optional<Poll> poll_that_calls_in(BasicBlock &block) {
  BasicBlock *before = block.getSinglePredecessor();
  auto *branch = before ? dyn_cast<BranchInst>(before->getTerminator()) : nullptr;
  if (!branch || !branch->isConditional() || branch->getSuccessor(0) == branch->getSuccessor(1))
    return std::nullopt;
  auto *compare = dyn_cast<ICmpInst>(branch->getCondition());
  auto *load = compare && compare->hasOneUse() ? dyn_cast<LoadInst>(compare->getOperand(0)) : nullptr;
  if (!load || !load->hasOneUse() || !is_poll_word(*load->getPointerOperand()))
    return std::nullopt;
  return Poll{load, compare, branch, branch->getSuccessor(0) == &block ? 0u : 1u};
}

bool calls_poll(const BasicBlock &block) {
  return any_of(block, [](const Instruction &instruction) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    return call && is_loop_poll(*call);
  });
}

/// A loop of few instructions with one poll and no other call.
bool is_worth_it(const Loop &loop) {
  unsigned instructions = 0, polls = 0;
  for (BasicBlock *block : loop.blocks()) {
    if (calls_poll(*block)) {
      polls += poll_that_calls_in(*block).has_value();
      continue;
    }
    for (const Instruction &instruction : *block) {
      if (isa<CallBase>(instruction) && !isa<IntrinsicInst>(instruction))
        return false;
      instructions += !isa<PHINode>(instruction);
    }
  }
  return polls == 1 && instructions <= most_instructions;
}

/// The branch always goes on; the call is not reached any more.
void remove_poll(const Poll &poll) {
  BasicBlock *cold = poll.branch->getSuccessor(poll.cold);
  cold->removePredecessor(poll.branch->getParent());
  BranchInst::Create(poll.branch->getSuccessor(1 - poll.cold), poll.branch->getIterator());
  poll.branch->eraseFromParent();
  poll.compare->eraseFromParent();
  poll.load->eraseFromParent();
}

class Thinner {
public:
  Thinner(Function &function, FunctionAnalysisManager &analyses)
      : loops_(analyses.getResult<LoopAnalysis>(function)),
        dominators_(analyses.getResult<DominatorTreeAnalysis>(function)),
        counts_(analyses.getResult<ScalarEvolutionAnalysis>(function)),
        assumptions_(analyses.getResult<AssumptionAnalysis>(function)),
        target_(analyses.getResult<TargetIRAnalysis>(function)),
        remarks_(analyses.getResult<OptimizationRemarkEmitterAnalysis>(function)) {}

  bool run() {
    bool changed = false;
    std::vector<Poll> surplus;
    for (Loop *loop : loops_.getLoopsInPreorder())
      if (loop->isInnermost() && is_worth_it(*loop)) {
        changed = true;
        if (unroll(*loop))
          append_range(surplus, polls_but_the_first(*loop));
      }
    for (const Poll &poll : surplus) // last: it makes blocks unreachable
      remove_poll(poll);
    return changed;
  }

private:
  bool unroll(Loop &loop) {
    simplifyLoop(&loop, &dominators_, &loops_, &counts_, &assumptions_, nullptr, /*PreserveLCSSA=*/false);
    formLCSSARecursively(loop, dominators_, &loops_, &counts_);
    UnrollLoopOptions options{};
    options.Count = copies;
    options.Force = true;
    return UnrollLoop(&loop, options, &loops_, &counts_, &dominators_, &assumptions_, &target_, &remarks_,
                      /*PreserveLCSSA=*/true) == LoopUnrollResult::PartiallyUnrolled;
  }

  /// The first is the one that is passed in each iteration, in the copy that begins the loop.
  std::vector<Poll> polls_but_the_first(const Loop &loop) {
    std::vector<Poll> found;
    for (BasicBlock *block : loop.blocks())
      if (calls_poll(*block))
        if (auto poll = poll_that_calls_in(*block))
          found.push_back(*poll);
    auto first = find_if(found, [&](const Poll &poll) {
      return all_of(found, [&](const Poll &other) { return dominators_.dominates(poll.branch, other.branch); });
    });
    if (first == found.end())
      return {};
    found.erase(first);
    return found;
  }

  LoopInfo &loops_;
  DominatorTree &dominators_;
  ScalarEvolution &counts_;
  AssumptionCache &assumptions_;
  TargetTransformInfo &target_;
  OptimizationRemarkEmitter &remarks_;
};

} // namespace

PreservedAnalyses ThinPolls::run(Function &function, FunctionAnalysisManager &analyses) {
  if (!Thinner(function, analyses).run())
    return PreservedAnalyses::all();
  removeUnreachableBlocks(function);
  return PreservedAnalyses::none();
}

} // namespace osr
