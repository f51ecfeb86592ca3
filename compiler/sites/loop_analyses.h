// What LLVM's loop utilities want to know of a function.
#pragma once

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Module.h>

namespace osr {

/// Computed at once; who changes the function keeps them up to date, as far as they are used afterwards.
struct LoopAnalyses {
  explicit LoopAnalyses(llvm::Function &function)
      : library(function.getParent()->getTargetTriple()), functions(library, &function), dominators(function),
        loops(dominators), assumptions(function), counts(function, functions, assumptions, dominators, loops) {}

  llvm::TargetLibraryInfoImpl library;
  llvm::TargetLibraryInfo functions;
  llvm::DominatorTree dominators;
  llvm::LoopInfo loops;
  llvm::AssumptionCache assumptions;
  llvm::ScalarEvolution counts; ///< refers to the others: this cannot be copied
};

} // namespace osr
