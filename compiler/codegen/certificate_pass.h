// The certificate: proof that a baseline record names everything that is live.
#pragma once

#include "compiler/codegen/codegen_report.h"

namespace llvm {
class MachineFunctionPass;
}

namespace osr {

/// Runs behind the anchoring pass, for baseline code. For each return PC with a record it proves by dataflow over
/// physical registers and frame objects that nothing is live except rsp, rbp, the call's own results, the slots that
/// the record names, and the save slots of the prologue. Only then may values be written into such a frame (I10).
/// Records without proof are reported in `not_certified`.
llvm::MachineFunctionPass *create_certificate_pass(CodegenReport &report);

} // namespace osr
