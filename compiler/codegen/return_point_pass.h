// Last of our machine passes, where code is compiled for return-point patching.
#pragma once

namespace llvm {
class MachineFunctionPass;
}

namespace osr {

/// Puts the instruction of compiler/target/return_point.h behind each record. Records are anchored by then: they stand
/// directly behind their calls and in the same block, so only a return leads to the nop.
llvm::MachineFunctionPass *create_return_point_pass();

} // namespace osr
