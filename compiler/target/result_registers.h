// Which return registers a result may occupy.
#pragma once

#include "compiler/base/site.h"

#include <llvm/IR/InstrTypes.h>
#include <llvm/Target/TargetMachine.h>

#include <optional>

namespace osr {

/// The registers that may hold the result of `call`, a superset of those really used; nothing when the result comes
/// back in memory through a hidden pointer (such calls cannot be sites: the memory would be an object in the frame).
std::optional<ResultRegisters> result_registers(const llvm::CallBase &call, const llvm::TargetMachine &machine);

/// The same question about a type. `within`: the function whose instructions there are for it.
bool returns_in_memory(llvm::Type *result, llvm::CallingConv::ID convention, const llvm::Function &within,
                       const llvm::TargetMachine &machine);

} // namespace osr
