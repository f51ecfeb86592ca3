// Threads that the program starts: they are registered before their first instruction of program code.
#pragma once

#include "runtime/code/code_session.h"
#include "runtime/threads/program_thread.h"

#include <vector>

namespace osr {

using ExitFunction = void(int status);

/// Names that the program gets instead of the C library's: pthread_create, thrd_create, and those of thread_data.h. New
/// threads get the same attributes, but four times the machine stack unless the program chose a size: frames of the
/// baseline tier are larger than those of native code. The record goes when the thread ends, after the program's own
/// thread-specific destructors. The end of the program's last thread ends the process by `exit_process(0)`; the C library
/// would wait for threads of the host. `threads` must live as long as the process.
std::vector<AbsoluteSymbol> start_thread_symbols(ThreadRegistry &threads, ExitFunction *exit_process);

/// For the registered thread that runs main, before it does: if it ends by pthread_exit, what happens at the end of the
/// others happens at its end too.
void watch_main_thread();

/// The child of a fork has one thread only.
void forget_other_threads();

} // namespace osr
