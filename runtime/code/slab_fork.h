// Keeps parent and child of a fork from sharing generated code. Private to runtime/code.
#pragma once

#include <llvm/Support/Error.h>

namespace osr {

class SlabArena;

/// From now on a fork() copies the arena's memfd for the child. Fails if the handlers cannot be installed.
llvm::Error add_fork_handlers(SlabArena &arena);
/// Undoes add_fork_handlers; without effect if that was never called.
void remove_fork_handlers(SlabArena &arena);

} // namespace osr
