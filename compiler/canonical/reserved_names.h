// Names of what the runtime adds to a program.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// "osr-" begins what the runtime defines (`osr-heat`), "osr." what exists in IR only (`osr.object.push`). No front end
/// makes the former of a C name; the latter it makes of local objects of a function `osr`.
bool is_reserved_name(llvm::StringRef name);

/// For a module that nothing was added to yet: local symbols with such names get others. Fails on one that other files
/// know by its name.
llvm::Error free_reserved_names(llvm::Module &module);

} // namespace osr
