// Memory operands of decoded instructions.
#pragma once

#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCRegisterInfo.h>

namespace osr {

/// What a displacement counts from.
enum class MemoryBase {
  None,           ///< it is no displacement of a memory operand, or there is an index too
  Register,
  ProgramCounter,
  Nothing,        ///< it is the whole address, maybe from the thread pointer on
};

/// Of the operand that follows those which `instruction` has as yet.
MemoryBase base_of_memory(const llvm::MCInst &instruction, const llvm::MCRegisterInfo &registers);

/// The assembler's variant in which code is shown.
unsigned shown_syntax();

} // namespace osr
