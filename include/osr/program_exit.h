// How a process that runs a program of C or C++ ends: the program's atexit handlers and static destructors come before
// anything of the host goes away.
#pragma once

#include <functional>

namespace osr {

/// Destroys the calling thread's thread-local objects, runs the handlers, newest first, then `static_destructors` once,
/// then ends the process with `status`.
[[noreturn]] void exit_program(int status);

/// Does the same now, as far as it was not done, and lets the process live: for a host whose runtime goes first.
void end_program(int status = 0);

/// `observer` is called whenever the program is about to end the process: by exit (after all handlers), quick_exit (the
/// same), _exit, _Exit or abort, but not by a signal. More than once if a handler of SIGABRT saves the process. Never
/// in a child process of the program. To be set before the program starts.
void set_exit_observer(std::function<void()> observer);

} // namespace osr
