#include "compiler/sites/poll_places.h"

#include "compiler/canonical/computed_goto.h"
#include "compiler/canonical/exit_calls.h"
#include "compiler/sites/number_sites.h"

#include <llvm/ADT/DepthFirstIterator.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/CycleAnalysis.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

/// Iterations of a whole nest that are over before anybody could notice.
constexpr std::uint64_t short_nest = 1024;
/// A constant bound above this is none: at one iteration a cycle it takes a second.
constexpr std::uint64_t longest_counted = std::uint64_t(1) << 31;

template <typename Predicate> bool any_call(const BasicBlock &block, Predicate &&predicate) {
  return any_of(block, [&](const Instruction &instruction) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    return call && predicate(*call);
  });
}

/// True if a path from `from`, over blocks of `region` in which no call surely has a site, gets to an end.
bool path_without_site(const BasicBlock &from, InlinedCalls &calls, function_ref<bool(const BasicBlock *)> region,
                       function_ref<bool(const BasicBlock &)> is_end) {
  SmallPtrSet<const BasicBlock *, 32> seen;
  SmallVector<const BasicBlock *, 32> left{&from};
  while (!left.empty()) {
    const BasicBlock *block = left.pop_back_val();
    if (!region(block) || !seen.insert(block).second ||
        any_call(*block, [&](const CallBase &call) { return calls.always_has_site(call); }))
      continue;
    if (is_end(*block))
      return true;
    append_range(left, successors(block));
  }
  return false;
}

class PollPlaceFinder {
public:
  PollPlaceFinder(ScalarEvolution &counts, InlinedCalls &calls) : counts_(counts), calls_(calls) {}

  /// To count iterations is what takes long: it comes last.
  bool needs_poll(const Loop &loop) {
    return returns_without_site(*loop.getHeader(), [&](const BasicBlock *block) { return loop.contains(block); }) &&
           !is_counted(loop) && !is_short_nest(loop);
  }

  /// A round of the loop may end in `end` and have come to no site.
  bool ends_round_without_site(const Loop &loop, const BasicBlock &end) {
    return path_without_site(
        *loop.getHeader(), calls_, [&](const BasicBlock *block) { return loop.contains(block); },
        [&](const BasicBlock &block) { return &block == &end; });
  }

  bool returns_without_site(const BasicBlock &header, function_ref<bool(const BasicBlock *)> region) {
    return path_without_site(header, calls_, region,
                             [&](const BasicBlock &block) { return is_contained(successors(&block), &header); });
  }

private:
  bool may_hold_more_loops(const Loop &loop) {
    return any_of(loop.blocks(), [&](const BasicBlock *block) {
      return any_call(*block, [&](const CallBase &call) { return calls_.may_bring_loop(call); });
    });
  }

  bool is_counted(const Loop &loop) {
    if (!loop.isInnermost() || may_hold_more_loops(loop))
      return false;
    const SCEV *most = counts_.getSymbolicMaxBackedgeTakenCount(&loop);
    if (const auto *constant = dyn_cast<SCEVConstant>(most))
      return constant->getAPInt().ule(longest_counted);
    return !isa<SCEVCouldNotCompute>(most);
  }

  /// The most iterations of the innermost loops for one run of `loop`; more than short_nest if unknown.
  std::uint64_t iterations(const Loop &loop) {
    std::uint64_t inner = 1;
    for (const Loop *child : loop.getSubLoops())
      inner = std::max(inner, iterations(*child));
    std::uint64_t own = counts_.getSmallConstantMaxTripCount(&loop); // 0: not known
    return own == 0 || inner > short_nest ? short_nest + 1 : own * inner;
  }

  bool is_short_nest(const Loop &loop) { return iterations(loop) <= short_nest && !may_hold_more_loops(loop); }

  ScalarEvolution &counts_;
  InlinedCalls &calls_;
};

/// The blocks in which rounds of the loop end, not one that only joins them, and where they go from there.
std::pair<SmallSetVector<BasicBlock *, 8>, BasicBlock *> ends_of_rounds(const Loop &loop) {
  BasicBlock *next = loop.getHeader();
  SmallVector<BasicBlock *, 8> ends;
  loop.getLoopLatches(ends);
  while (ends.size() == 1 && isa<BranchInst>(ends.front()->getFirstNonPHIOrDbg()) && ends.front() != loop.getHeader()) {
    next = ends.front();
    ends.assign(pred_begin(next), pred_end(next));
  }
  return {{ends.begin(), ends.end()}, next};
}

} // namespace

bool may_fit_inline(const Function &function) {
  unsigned count = 0;
  for (const BasicBlock &block : function)
    for (const Instruction &instruction : block)
      if (!instruction.isDebugOrPseudoInst() && ++count > max_inlined_instructions)
        return false;
  return true;
}

bool has_cycle(const Function &function) {
  SmallVector<std::pair<const BasicBlock *, const BasicBlock *>, 8> edges;
  FindFunctionBackedges(function, edges);
  return !edges.empty();
}

const Function *InlinedCalls::inlinable_callee(const CallBase &call) {
  const Function *callee = call.getCalledFunction();
  if (!is_site(call)) // number_sites() keeps it a call; whether the function has been numbered makes no difference
    return nullptr;
  if (!callee || callee->isDeclaration() || call.isNoInline() || callee->hasFnAttribute(Attribute::NoInline))
    return nullptr;
  return may_be_inlined(*callee) ? callee : nullptr;
}

bool InlinedCalls::may_be_inlined(const Function &callee) {
  auto [found, is_new] = may_be_inlined_.try_emplace(&callee);
  if (is_new)
    found->second = callee.hasFnAttribute(Attribute::AlwaysInline) || may_fit_inline(callee);
  return found->second;
}

void InlinedCalls::remember_size(const Function &function) { (void)may_be_inlined(function); }

const InlinedCalls::Facts &InlinedCalls::facts(const Function &function) {
  if (auto [found, is_new] = known_.try_emplace(&function); !is_new)
    return found->second;
  Facts facts;
  facts.may_loop = has_cycle(function) || any_of(function, [&](const BasicBlock &block) {
                     return any_call(block, [&](const CallBase &call) { return may_bring_loop(call); });
                   });
  facts.always_has_site = !path_without_site(
      function.getEntryBlock(), *this, [](const BasicBlock *) { return true; },
      [](const BasicBlock &block) { return isa<ReturnInst>(block.getTerminator()); });
  return known_[&function] = facts;
}

bool InlinedCalls::always_has_site(const CallBase &call) {
  if (!is_site(call) || is_guard_failed(call)) // optimised code need not have that call
    return false;
  const Function *callee = inlinable_callee(call);
  return !callee || facts(*callee).always_has_site;
}

bool InlinedCalls::may_bring_loop(const CallBase &call) {
  const Function *callee = inlinable_callee(call);
  return callee && facts(*callee).may_loop;
}

PollPlaces find_poll_places(Function &function, LoopInfo &loops, ScalarEvolution &counts, InlinedCalls &calls) {
  PollPlaceFinder places(counts, calls);
  PollPlaces found;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    if (!places.needs_poll(*loop))
      continue;
    if (!is_computed_goto(*loop->getHeader()->getTerminator())) {
      found.loops.push_back(loop);
      continue;
    }
    const auto [ends, next] = ends_of_rounds(*loop);
    for (BasicBlock *end : ends)
      if (places.ends_round_without_site(*loop, *end))
        found.ends_of_rounds.push_back({end, next});
  }
  // A cycle with several entries is no Loop. The cycles in it that avoid its header are its children.
  CycleInfo cycles;
  cycles.compute(function);
  for (Cycle *top : cycles.toplevel_cycles())
    for (Cycle *cycle : depth_first(top))
      if (!cycle->isReducible() && places.returns_without_site(*cycle->getHeader(), [&](const BasicBlock *block) {
            return cycle->contains(const_cast<BasicBlock *>(block));
          }))
        found.headers.push_back(cycle->getHeader());
  return found;
}

} // namespace osr
