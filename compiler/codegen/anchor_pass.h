// Anchoring: every record's PC becomes its call's return PC.
#pragma once

#include "compiler/codegen/codegen_report.h"

namespace llvm {
class MachineFunctionPass;
}

namespace osr {

/// The last machine pass of both tiers. LLVM promises only that a STACKMAP describes its own position; copies, reloads
/// and spills may stand between it and the call. The pass moves each STACKMAP directly behind its call and rewrites the
/// operands backwards through that gap; reloads that served only the map are deleted. What cannot be expressed is
/// reported and never emitted as a wrong record: the caller compiles the function again with another SiteForm.
///
/// It also counts: each call that can return must carry a record or be known to have no site.
///
/// The caller owns the pass until it is added to a pass manager; `report` must outlive it.
llvm::MachineFunctionPass *create_anchor_pass(CodegenReport &report);

} // namespace osr
