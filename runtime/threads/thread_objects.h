// Thread-local objects of the program that have destructors: these are program code.
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// Names that the program gets instead of the C++ library's: __cxa_thread_atexit, and the C library's function behind it.
///
/// The C library goes on calling the destructors at the thread's end, newest first and mixed with those of shared
/// libraries, before it destroys thread-specific data. Each is entered as the thread's first function was: walks of its
/// frames end there, and the thread counts as being in the program's code.
std::vector<AbsoluteSymbol> thread_object_symbols();

/// Destroys those of the calling thread now, newest first: exit does so before it runs handlers.
void destroy_thread_objects();

/// Those that the calling thread has made since then are never destroyed.
void forget_thread_objects();

} // namespace osr
