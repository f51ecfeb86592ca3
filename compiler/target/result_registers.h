// Which return registers a call's result may occupy on x86-64 (System V).
#pragma once

#include "compiler/base/site.h"

#include <llvm/IR/InstrTypes.h>
#include <llvm/Target/TargetMachine.h>

#include <optional>

namespace osr {

/// The registers that may hold the result of `call`, a superset of those really used; nothing when the result comes
/// back in memory through a hidden pointer (such calls cannot be sites: the memory would be an object in the frame).
/// Source of the rule: RetCC_X86_64_C in LLVM's X86CallingConv.td.
std::optional<ResultRegisters> result_registers(const llvm::CallBase &call, const llvm::TargetMachine &machine);

} // namespace osr
