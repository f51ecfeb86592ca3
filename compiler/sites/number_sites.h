// Numbers the sites of a canonical program.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/Target/TargetMachine.h>

#include <vector>

namespace osr {

/// Gives every site of a function its number and its "deopt" operand bundle (packed site id, then the frame state), and fills
/// FunctionInfo::numbered_sites. From here on its canonical IR is frozen: every tier is a clone of it. The function must carry
/// the id of `info`; if that is pinned it gets none.
///
/// A site is every call that can return to the function, except intrinsics, inline assembly, calls that must be tail
/// calls and exempt library calls. Calls that can never be replaced still get a number, with Site::refusal set and
/// without a bundle.
void number_sites(llvm::Function &function, FunctionInfo &info, const llvm::TargetMachine &machine,
                  llvm::ArrayRef<unsigned> reference_spaces = {});

/// True for such a call.
bool is_site(const llvm::CallBase &call);
/// All of them, in the order of their numbers.
std::vector<const llvm::CallBase *> sites_of(const llvm::Function &function);

/// True when `value` belongs in a frame state while it is live. Object addresses do not: they are recomputed.
bool is_frame_state_value(const llvm::Value &value);

/// The function id that every definition and each of its clones carries.
FunctionId function_id(const llvm::Function &function);

} // namespace osr
