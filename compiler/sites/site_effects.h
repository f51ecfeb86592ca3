// What LLVM believes that a site does to memory.
//
// At a site the frame may be replaced by one whose code reads anything that the program can see. So all stores before it
// have to be in memory by then, and none that comes after it: LLVM has to take each site for a reader of *all* memory. The
// frame state says so ("deopt" operands read everything), but what is said about the call itself narrows it:
//
//      getMemoryEffects(call) = attributes of the call  AND  (attributes of the callee OR what the frame state reads)
//
// and so do alias scopes and type-based tags of the call. What is true of the callee is not enough to be true of the site.
// That a callee does not *write* stays: loads may move across a site, for they find the same there.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/Support/Error.h>

#include <string>

namespace osr {

/// Takes away from `call`, which has a frame state, all that would keep it from being a reader of all memory.
void read_all_memory(llvm::CallBase &call);

/// What keeps LLVM from taking `call` for one; "" if nothing does.
std::string what_hides_memory(const llvm::CallBase &call);

/// Fails if there is a site of which LLVM may believe that it reads less, or memory of the program's that LLVM may believe
/// to be known to itself alone. To be asked before a module is optimised; behind that each site is asked for itself.
llvm::Error check_site_effects(const llvm::Module &module);

} // namespace osr
