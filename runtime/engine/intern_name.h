// Names that stay.
#pragma once

#include <llvm/ADT/StringRef.h>

namespace osr {

/// The same string for equal texts, for ever: programs keep what dladdr gives them.
const char *intern_name(llvm::StringRef text);

} // namespace osr
