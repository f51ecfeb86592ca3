// Reads the "deopt" bundle of a call: the chain of frame states, outermost first.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/Support/Error.h>

namespace osr {

/// One frame state inside a bundle. The values are the bundle's own operands.
struct FrameInChain {
  const Site *site = nullptr;
  llvm::ArrayRef<llvm::Use> values;
};
using FrameChain = llvm::SmallVector<FrameInChain, 4>;

/// Splits the bundle of `call` into frame states. LLVM's inliner puts the caller's operands before the callee's, so the
/// chain is outermost first. Fails when the operands do not have the slots and types of the site table (I1), or when a
/// frame is followed by one that it did not call.
llvm::Expected<FrameChain> read_frame_chain(const llvm::CallBase &call, const CanonicalProgram &program);

/// False: `chain` was inlined from a call without a frame state, as all calls of pinned functions are. It then lacks
/// the frames around it, and says nothing about an activation of `function`.
bool begins_with_own_frame(const FrameChain &chain, const llvm::Function &function);

/// Checks every bundle of `module` against the site table, and that its call is taken for a reader of all memory
/// (site_effects.h); the error names function, call and difference.
/// Run after optimisation, and after each pass in verification mode.
llvm::Error verify_sites(const llvm::Module &module, const CanonicalProgram &program);
llvm::Error verify_sites(const llvm::Function &function, const CanonicalProgram &program);

} // namespace osr
