// Baseline tier: every site can be landed on in place, by construction.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "compiler/tiers/lowered_record.h"

#include <llvm/IR/Function.h>

#include <vector>

namespace osr {

/// Rewrites `function`, a clone of a canonical function, into baseline form and returns its records (index = stack map
/// id = site number).
///
/// Each value that is live across a site gets one stack slot, stored at the definition and loaded again before each
/// use, so the slot is the only copy whenever a site is reached. The stack map after the call names the slots. Each
/// call ends its block, so that instruction selection cannot carry anything across it.
std::vector<LoweredRecord> lower_to_baseline(llvm::Function &function, const CanonicalProgram &program);

} // namespace osr
