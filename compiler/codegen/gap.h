// The gap: the instructions that stand between a call and the stack map that describes its return point.
#pragma once

#include "compiler/codegen/map_operands.h"

#include <string>

namespace osr {

/// Rewrites `operand`, true after `instruction`, into the location that holds the same value before it:
/// copy -> its source; reload -> the slot; spill -> the stored register; constant -> the constant; sum of a register
/// and a constant -> Direct on that register.
/// Returns an empty text, or why that cannot be expressed.
std::string move_before(MapOperand &operand, const llvm::MachineInstr &instruction);

/// Why `operand` does not outlive `call`, or an empty text: only callee-saved registers, memory and constants do.
std::string survives(const MapOperand &operand, const llvm::MachineInstr &call);

/// Record number that a call instruction was marked with during lowering, or -1.
std::int64_t record_number(const llvm::MachineInstr &call);

/// True for instructions that call something and come back.
bool is_returning_call(const llvm::MachineInstr &instruction);

} // namespace osr
