#include "runtime/machine/memory_operands.h"

#include <llvm/ADT/StringRef.h>

using namespace llvm;

namespace osr {

MemoryBase base_of_memory(const MCInst &instruction, const MCRegisterInfo &registers) {
  // Base, scale, index, displacement, segment.
  const unsigned count = instruction.getNumOperands();
  if (count < 3)
    return MemoryBase::None;
  const MCOperand &base = instruction.getOperand(count - 3), &scale = instruction.getOperand(count - 2),
                  &index = instruction.getOperand(count - 1);
  if (!base.isReg() || !scale.isImm() || !index.isReg() || index.getReg())
    return MemoryBase::None;
  if (!base.getReg())
    return MemoryBase::Nothing;
  return StringRef(registers.getName(base.getReg())) == "RIP" ? MemoryBase::ProgramCounter : MemoryBase::Register;
}

unsigned shown_syntax() { return 1; } // Intel's

} // namespace osr
