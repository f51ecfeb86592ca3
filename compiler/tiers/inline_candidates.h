// Which bodies a single function that is optimised by itself has to be shown with.
#pragma once

#include "compiler/tiers/profile.h"

#include <llvm/ADT/SetVector.h>
#include <llvm/IR/Function.h>

namespace osr {

/// The optimiser may put its body in place of a call.
bool may_be_inlined(const llvm::Function &function);

/// Callees of a canonical function, near ones first, that may be inlined into it or into each other; also the frequent
/// targets of its calls by pointer, if there is a profile.
llvm::SmallSetVector<const llvm::Function *, 16> inline_candidates(const llvm::Function &root, const Profile *profile);

/// The profile says something about a point of one of these functions that optimised code can be made for.
bool has_guess(llvm::ArrayRef<const llvm::Function *> functions, const Profile &profile);

} // namespace osr
