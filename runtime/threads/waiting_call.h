// System calls that end with EINTR whenever a handler has run, made so that the signal which stops threads does not end
// them: they go on with the time that remains (interrupted_call.h says how that signal is told from the program's).
//
// What goes on must not miss a signal of the program that comes at the same moment. The handler therefore leaves all
// signals blocked, and the call is made again in a form that unblocks them while it waits, where the kernel has one:
// ppoll for poll and for sleeps, sigsuspend for pause, and so on. Where it has none (semaphores, messages, futexes), pending
// signals are looked for just before.
#pragma once

#include <array>

namespace osr {

enum class CancellationPoint : bool { No, Yes };
using CallArguments = std::array<long, 6>;

/// Whether the kernel lets this system call end with EINTR although SA_RESTART is wanted.
bool ends_with_eintr(long number);

/// The call, for a program or a library; -errno for an error. In any thread, also in handlers of signals.
long waiting_call(long number, const CallArguments &arguments, CancellationPoint point);

} // namespace osr
