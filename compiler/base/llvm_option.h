// Switches of LLVM that exist only as options of a command line.
#pragma once

#include "compiler/base/error.h"

#include <llvm/Support/CommandLine.h>

namespace osr {

/// For the whole process: at start, before anything is compiled. The error names the option that this LLVM lacks:
/// without it code would be made that no record fits.
template <typename Value> llvm::Error set_option(llvm::StringRef name, Value value) {
  auto &options = llvm::cl::getRegisteredOptions();
  auto found = options.find(name);
  if (found == options.end())
    return make_error("this LLVM has no option '{}', which code that can be replaced needs", name.str());
  static_cast<llvm::cl::opt<Value> *>(found->second)->setValue(value);
  return llvm::Error::success();
}

} // namespace osr
