// The gap: the instructions that stand between a call and the stack map that describes its return point.
#pragma once

#include <llvm/CodeGen/MachineFunction.h>
#include <llvm/CodeGen/MachineInstr.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// One operand of a STACKMAP instruction.
struct MapOperand {
  enum class Kind : std::uint8_t {
    Register, ///< the value is in `reg`
    Indirect, ///< the value is in memory at reg + offset
    Direct,   ///< the value is the sum reg + offset
    Constant,
  };
  Kind kind = Kind::Constant;
  llvm::Register reg;
  std::int64_t offset = 0;
  std::int64_t constant = 0;
  std::int64_t size = 8; ///< Indirect: bytes
};

std::vector<MapOperand> read_map_operands(const llvm::MachineInstr &map);

/// Replaces the live operands of `map`.
void write_map_operands(llvm::MachineInstr &map, const std::vector<MapOperand> &operands);

/// Rewrites `operand`, true after `instruction`, into the location that holds the same value before it:
/// copy -> its source; reload -> the slot; spill -> the stored register; constant -> the constant; sum of a register
/// and a constant -> Direct on that register.
/// Returns an empty text, or why that cannot be expressed.
std::string move_before(MapOperand &operand, const llvm::MachineInstr &instruction);

/// Why `operand` does not outlive `call`, or an empty text: only callee-saved registers, memory and constants do.
std::string survives(const MapOperand &operand, const llvm::MachineInstr &call);

/// The displacement of an access or address computation relative to `frame_pointer`, whatever its index register.
std::optional<std::int64_t> frame_displacement(const llvm::MachineInstr &instruction, llvm::Register frame_pointer);

/// Bytes that an x87 load or store moves, 0 for other instructions. LLVM drops their memory operands late.
std::int64_t x87_access_bytes(const llvm::MachineInstr &instruction);

/// Record number that a call instruction was marked with during lowering, or -1.
std::int64_t record_number(const llvm::MachineInstr &call);

/// True for instructions that call something and come back.
bool is_returning_call(const llvm::MachineInstr &instruction);

/// The instructions that the functions above know by name. The error lists those that this LLVM does not have.
llvm::Error check_instruction_names(const llvm::MCInstrInfo &instructions);

} // namespace osr
