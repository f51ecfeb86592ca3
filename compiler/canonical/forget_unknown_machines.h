// Processors and features of processors that this LLVM has never heard of, because the front end is newer.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace osr {

/// LLVM goes on without them, but says so on the program's standard error at each function that it compiles.
void forget_unknown_machines(llvm::Module &module, const llvm::TargetMachine &machine);

} // namespace osr
