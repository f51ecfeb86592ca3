// Functions of the C library behind those of the same names that this process exports.
#pragma once

#include <dlfcn.h>

namespace osr {

/// The next one of that name after this program's own; null: there is none. The first argument says its type.
template <typename Function> Function *in_library(Function *, const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

} // namespace osr
