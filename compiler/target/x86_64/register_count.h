// How many registers of each kind the C convention of x86-64 takes for a value.
#pragma once

#include <llvm/IR/CallingConv.h>
#include <llvm/IR/Function.h>
#include <llvm/Target/TargetMachine.h>

namespace osr {

/// The registers that a value takes as an argument or result.
struct RegisterCount {
  unsigned general = 0, vectors = 0, x87 = 0;
  unsigned vector_bytes = 0; ///< 0, or the width of the widest vector register, at least 16
};

/// `within`: the function whose instructions there are for it.
RegisterCount count_registers(llvm::Type *value, llvm::CallingConv::ID convention, const llvm::Function &within,
                              const llvm::TargetMachine &machine);

/// There are for results: rax, rdx, rcx; xmm0-3; st0, st1.
bool fits_result_registers(const RegisterCount &count);

} // namespace osr
