// The process forks.
#pragma once

#include <llvm/Support/Error.h>

namespace osr {

/// Forks of this process are watched: the child of one has the forking thread only; from there on runtimes work all the same.
llvm::Error watch_forks();

/// While one exists, the calling thread makes or ends a runtime, and forks of other threads wait, half a second at most: what was
/// being made would stay locked for ever in the child, and not only what this project locks. After watch_forks().
class NoForks {
public:
  NoForks();
  ~NoForks();
  NoForks(const NoForks &) = delete;
  NoForks &operator=(const NoForks &) = delete;
};

} // namespace osr
