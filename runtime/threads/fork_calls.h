// The calls by which a process forks without fork(): _Fork, clone, and the system calls. Of what fork() does they leave out the
// program's handlers and the C library's locks; the runtime's handlers run around them too (runtime/process/fork_handlers.h).
//
// What shares its parent's memory (CLONE_VM) is a thread, and is left to the kernel; so is a child that goes on from a system
// call on another stack, as only assembly can.
#pragma once

#include "runtime/code/code_session.h"

#include <cstdarg>
#include <sys/types.h>
#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's.
std::vector<AbsoluteSymbol> fork_call_symbols();

/// Those that shared libraries get too, from executables that export them (interposed_calls.cpp). All async-signal-safe.
namespace forking {
pid_t _Fork();
/// `more`: the parent's tid, the thread's memory, the child's tid.
int clone(int (*function)(void *), void *stack, int flags, void *argument, va_list more);

/// A system call that makes a child with a copy of this memory, which goes on behind the call as the parent does. What follows
/// are its first two arguments.
bool is_fork(long number, long first, long second);
/// One of them. A vfork copies the memory as well: its child would return from here into a frame that the parent needs.
long system_call(long number, long a, long b, long c, long d, long e);
} // namespace forking

} // namespace osr
