// The instruction at the return PC of every site, when code is compiled for return-point patching: one instruction as long as
// the jump that is written over it. All instruction boundaries stay where they were, so nobody can stand or jump in
// the middle of the jump.
#pragma once

#include "compiler/target/x86_64/return_point_nop.h" // return_point_nop: its bytes

#include <llvm/CodeGen/MachineBasicBlock.h>

namespace osr {

/// Puts it behind `map`, a stack map.
void insert_return_point_behind(llvm::MachineInstr &map);

} // namespace osr
