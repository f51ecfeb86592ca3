// Library calls that need no site: they end soon and never call back into the program.
#pragma once

#include <llvm/ADT/StringRef.h>

namespace osr {

/// True for C library functions that are leaves (no callback, no blocking, soon done). A frame that waits in one of
/// them cannot be replaced until it has returned, which nobody notices; in exchange LLVM keeps its full freedom to
/// fold, expand and vectorise these calls. Only declarations may be exempt, never a program's own definition.
bool is_exempt_callee(llvm::StringRef name);

} // namespace osr
