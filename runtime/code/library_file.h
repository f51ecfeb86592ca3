// What a shared library says of itself before it is loaded.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringRef.h>

#include <string>

namespace osr {

/// Whether the library, or one that would be loaded with it, defines a symbol for others or takes one from them for which
/// `is_wanted` is true. `path`: as for dlopen. False if no such file can be read.
bool library_mentions(const std::string &path, llvm::function_ref<bool(llvm::StringRef symbol)> is_wanted);

} // namespace osr
