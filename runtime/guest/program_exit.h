// How a program ends: its atexit handlers and static destructors run before anything of the host goes away.
#pragma once

#include "runtime/code/code_session.h"

#include <functional>
#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's: atexit, __cxa_atexit, on_exit, exit, _exit, _Exit and abort.
///
/// The C library runs handlers in the reverse order of registration, the host's among them: the compiler's own static
/// objects may have been made after the program registered its handler, and would be destroyed before it. So the
/// program's handlers wait in a list of their own, and the program's exit() runs them first. A handler may call
/// functions that have to be compiled. Thread-safe as far as atexit is.
std::vector<AbsoluteSymbol> program_exit_symbols();

/// Destroys the calling thread's thread-local objects, runs the handlers, newest first, then `static_destructors` once,
/// then ends the process with `status`.
[[noreturn]] void exit_program(int status);

/// Does the same now, as far as it was not done, and lets the process live: for a host whose runtime goes first.
void end_program(int status = 0);

/// `observer` is called whenever the program is about to end the process: by exit (after all handlers), quick_exit (the
/// same), _exit, _Exit or abort, but not by a signal. More than once if a handler of SIGABRT saves the process. Never
/// in a child process of the program. To be set before the program starts.
void set_exit_observer(std::function<void()> observer);

/// Set before the program starts. Also called when the process exits without the program's exit().
void set_static_destructors(std::function<void()> static_destructors);

} // namespace osr
