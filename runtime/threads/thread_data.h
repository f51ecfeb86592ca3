// Thread-specific data of the program: its destructors are program code.
#pragma once

#include "runtime/code/code_session.h"
#include "runtime/threads/program_thread.h"

#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's: pthread_key_create, pthread_key_delete, tss_create and
/// tss_delete. The C library keeps the values but does not know the destructors.
std::vector<AbsoluteSymbol> thread_data_symbols();

/// Calls the destructors of the calling thread's values, in rounds as POSIX has it. Each is entered as the thread's
/// first function was, so that walks of its frames end there.
void destroy_thread_data(ProgramThread &self);

} // namespace osr
