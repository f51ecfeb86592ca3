// What single instructions of this machine do, where LLVM's descriptions do not say it.
#pragma once

#include <llvm/CodeGen/MachineInstr.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <optional>

namespace osr {

/// An instruction as `destination = source + offset` on whole registers as wide as a pointer.
struct Addition {
  llvm::Register destination, source;
  std::int64_t offset = 0;
};

std::optional<Addition> find_addition(const llvm::MachineInstr &instruction);

/// LLVM turns reloads of one or two bytes, and of an integer's slot as a floating-point number, into loads that clear the rest of the
/// register; it does not count these as reloads, but the low part is one.
bool is_clearing_load(const llvm::MachineInstr &instruction);

/// The displacement of an access or address computation relative to `frame_pointer`, whatever its index register.
std::optional<std::int64_t> frame_displacement(const llvm::MachineInstr &instruction, llvm::Register frame_pointer);

/// Bytes that a load or store moves of which LLVM drops the memory operand late, 0 for other instructions.
std::int64_t undescribed_access_bytes(const llvm::MachineInstr &instruction);

/// The instructions that are known by name. The error lists those that this LLVM does not have.
llvm::Error check_instruction_names(const llvm::MCInstrInfo &instructions);

} // namespace osr
