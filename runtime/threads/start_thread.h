// Threads that run program code: they are registered before their first instruction of it.
#pragma once

#include "runtime/code/code_session.h"
#include "runtime/threads/program_thread.h"

#include <csignal>
#include <pthread.h>
#include <threads.h>
#include <vector>

namespace osr {

using ExitFunction = void(int status);

/// Names that the program gets instead of the C library's: pthread_create, thrd_create, vfork, and those of
/// thread_data.h, thread_objects.h, context_calls.h, signal_calls.h, notify_threads.h, waiting_calls.h, transfer_calls.h and
/// exec_calls.h. New threads get the same attributes, but four times the machine stack if enlarge_usual_stack() was
/// called, and 64 KiB more if the program chose a size: frames of the baseline tier are larger than those of native
/// code. The record goes when the thread ends, after the program's own thread-specific destructors.
std::vector<AbsoluteSymbol> start_thread_symbols();

/// From here on threads that end leave `threads`, which lives as long as the process. Fails when there have been
/// others, and when the host uses all keys for thread-specific data.
llvm::Error watch_ends_of_threads(ThreadRegistry &threads);

/// From here on the end of the last thread of programs ends the process by `exit(0)`; the C library would wait for
/// threads of the host. Null: it does not.
void set_end_of_last_thread(ExitFunction *exit);

/// Threads of the program get a larger stack from here on, than it chose or than is usual. Once in a process.
void enlarge_usual_stack();

/// What pthread_create does for the program. Without memory for the thread's objects it fails as without memory for its
/// stack: EAGAIN. Before watch_ends_of_threads(), and for HostThreads, it is the C library's.
int start_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument);

/// The same for thrd_create: C11 threads return an int, which the C library keeps in the same word.
int start_c11_thread(thrd_t *thread, thrd_start_t function, void *argument);

/// For the registered thread that runs main, before it does: if it ends by pthread_exit, what happens at the end of the
/// others happens at its end too.
void watch_main_thread();

/// Registers the calling thread, which somebody else made, until it ends or detach_thread() is called. Without effect
/// in a registered thread. Fails when there is no memory for its objects.
llvm::Expected<ProgramThread *> attach_thread();
/// No activation of the program may be left on this thread's stack.
void detach_thread();

/// The child of a fork has one thread only.
void forget_other_threads();

} // namespace osr
