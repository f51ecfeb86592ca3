// Kinds of registers that have to be treated apart.
#pragma once

#include <llvm/CodeGen/TargetRegisterInfo.h>
#include <llvm/IR/Type.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/Support/Error.h>

namespace osr {

bool is_vector_register(llvm::MCRegister reg, const llvm::TargetRegisterInfo &registers);

/// Part of what instructions without operands change as a whole: of the vector, matrix and floating-point registers.
bool is_in_extended_state(llvm::MCRegister reg, const llvm::TargetRegisterInfo &registers);

/// Its registers are a stack, which has to have them before they can be copied.
bool is_register_stack(const llvm::TargetRegisterClass &kind, const llvm::TargetRegisterInfo &registers);

/// Values of this type lie in registers whose shape the caller has configured.
bool is_in_configured_register(const llvm::Type &type);

/// LLVM's tables have the names by which these functions know registers and their classes; the error says which they do
/// not.
llvm::Error check_register_names(const llvm::MCRegisterInfo &registers);

} // namespace osr
