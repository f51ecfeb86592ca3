// The process forks.
#pragma once

#include <llvm/Support/Error.h>

namespace osr {

/// Forks of this process are watched: the child of one has the forking thread only; from there on runtimes work all the same.
llvm::Error watch_forks();

} // namespace osr
