// Compiling beside the program: threads of it need the engine's lock when they call something for the first time.
#pragma once

#include "runtime/engine/engine.h"

namespace osr {

/// Compiles versions that a request for `body` found missing; the lock is free while LLVM works. In between anything may
/// happen to bodies: a version whose body has gone, or has other sites now, is left out, and so are all once `body` is not its
/// function's current one. What cannot be compiled is found again by the request, which says why.
void compile_unlocked(Engine &engine, FunctionId body, llvm::ArrayRef<VersionKey> keys);

} // namespace osr
