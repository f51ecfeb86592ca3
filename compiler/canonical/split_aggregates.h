// First-class aggregates become their members.
#pragma once

#include <llvm/IR/Function.h>

namespace osr {

/// Replaces each aggregate value (struct or array) by its scalar and vector members: they are extracted directly after
/// the instruction that makes the aggregate, and an aggregate is built again directly before an instruction that needs
/// one (return, store, call). So no aggregate is live across a call, and frame states hold scalars only.
///
/// False, with the function unchanged, when an aggregate has more than `largest_aggregate` members.
bool split_aggregates(llvm::Function &function);

inline constexpr unsigned largest_aggregate = 64;

} // namespace osr
