// Keeps parent and child of a fork from sharing generated code. Private to runtime/code.
#pragma once

#include "runtime/code/slab_arena.h"

#include <llvm/Support/Error.h>

namespace osr {

/// What the program may do with its view of a slab; for mprotect().
int protection_of(SlabKind kind);

/// From now on a fork() copies the arena's code and constants for the child. Fails if the handlers cannot be installed.
llvm::Error add_fork_handlers(SlabArena &arena);
/// Undoes add_fork_handlers; without effect if that was never called.
void remove_fork_handlers(SlabArena &arena);

} // namespace osr
