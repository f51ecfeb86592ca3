// The live operands of a STACKMAP instruction, as values.
#pragma once

#include <llvm/CodeGen/MachineInstr.h>

#include <cstdint>
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

} // namespace osr
