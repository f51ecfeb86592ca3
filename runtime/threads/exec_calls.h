// The calls by which a process becomes another program. A signal that waits when that happens stays with the thread, the
// handlers do not: the signal that stops threads would end the new program.
//
//   thread that executes                            whoever stops threads
//   executes := true                                stop := Requested
//   stop is Requested: comes back to be stopped,    executes: sends no signal, and asks again later
//   and begins again
//   execve; if it fails, executes := false
//
// Each writes first and looks at the other's word then, so one of them sees the other.
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's.
std::vector<AbsoluteSymbol> exec_call_symbols();

/// Those that shared libraries get too, from executables that export them (interposed_calls.cpp). All async-signal-safe.
namespace executing {
int execve(const char *path, char *const *arguments, char *const *environment);
int execvpe(const char *file, char *const *arguments, char *const *environment);
int fexecve(int file, char *const *arguments, char *const *environment);
int execveat(int folder, const char *path, char *const *arguments, char *const *environment, int flags);
int execv(const char *path, char *const *arguments);
int execvp(const char *file, char *const *arguments);
int execl(const char *path, const char *argument, ...);
int execlp(const char *file, const char *argument, ...);
int execle(const char *path, const char *argument, ...);
/// SYS_execve and SYS_execveat.
long system_call(long number, long a, long b, long c, long d, long e);
} // namespace executing

} // namespace osr
