// Which branches and calls of canonical code are worth counting in baseline code.
//
//   what                                                                          counted
//   ----                                                                          -------
//   call by pointer that is a site                                                yes
//   branch with a side that is reached in no other way, has a site in it and      yes
//   comes back or returns
//   branch that ends a loop in its header or latch, or is the loop's only end     no: the end comes some time
//   any other branch                                                              no
//
// A site on a side that is never taken may change memory and everything else that optimised code knows where the sides
// meet. A side without one costs next to nothing, and giving it up may even cost vectorised code.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>

#include <vector>

namespace osr {

struct CountedBranch {
  llvm::BranchInst *branch;
  /// By value of the condition: that side may be given up.
  bool may_give_up[2] = {};
};

struct ProfilePlaces {
  std::vector<CountedBranch> branches;
  std::vector<llvm::CallBase *> calls;
};

/// Of a function that has its polls, but no numbers of sites yet.
ProfilePlaces find_profile_places(llvm::Function &function);

} // namespace osr
