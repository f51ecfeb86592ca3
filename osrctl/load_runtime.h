// A program that is linked but not run: what the verbs that show machine code begin with.
#pragma once

#include "osr/runtime.h"
#include "runtime/engine/engine.h"

#include <llvm/IR/LLVMContext.h>

#include <memory>
#include <string>
#include <vector>

namespace osr {

/// Loads the program and its libraries and links its globals.
llvm::Expected<std::unique_ptr<Runtime>> load_runtime(llvm::LLVMContext &context, const std::vector<std::string> &paths,
                                                      const std::vector<std::string> &libraries);

} // namespace osr
