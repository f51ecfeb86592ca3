// Keeps parent and child of a fork from sharing generated code.
#pragma once

#include "runtime/code/slab_arena.h"

#include <llvm/Support/Error.h>

namespace osr {

/// What the program may do with its view of a slab; for mprotect().
int protection_of(SlabKind kind);

/// The handlers, without an arena yet. Those of a fork that take a lock with which memory of an arena is allocated have to be
/// installed later: they run before these. Fails if the handlers cannot be installed.
llvm::Error install_slab_fork_handlers();
/// From now on a fork() copies the arena's code and constants for the child. Fails if the handlers cannot be installed.
llvm::Error add_fork_handlers(SlabArena &arena);
/// Undoes add_fork_handlers; without effect if that was never called.
void remove_fork_handlers(SlabArena &arena);

} // namespace osr
