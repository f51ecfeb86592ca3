// Functions that are cut at a site, and what is left of them.
#pragma once

#include "compiler/tiers/continuation.h"
#include "sites_fixture.h"

#include <llvm/ADT/DepthFirstIterator.h>
#include <llvm/Analysis/CycleAnalysis.h>
#include <llvm/IR/Constants.h>

#include <set>

namespace osr {

inline llvm::Function &cut_at(llvm::Function &function, const Site &site, LoopsAround loops = LoopsAround::Peel) {
  llvm::Function &continuation = make_continuation(function, site);
  begin_at_entry(continuation, loops);
  return continuation;
}

/// By number, as often as they are there.
inline std::multiset<std::uint64_t> sites_in(llvm::Function &function) {
  std::multiset<std::uint64_t> sites;
  for (const llvm::CallBase *call : calls_with_state(function))
    sites.insert(
        llvm::cast<llvm::ConstantInt>(call->getOperandBundle(llvm::LLVMContext::OB_deopt)->Inputs[0])->getZExtValue());
  return sites;
}

inline bool has_irreducible_cycle(llvm::Function &function) {
  llvm::CycleInfo cycles;
  cycles.compute(function);
  return llvm::any_of(cycles.toplevel_cycles(), [](const llvm::Cycle *top) {
    return llvm::any_of(llvm::depth_first(top), [](const llvm::Cycle *cycle) { return !cycle->isReducible(); });
  });
}

} // namespace osr
