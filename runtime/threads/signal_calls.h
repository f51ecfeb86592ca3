// The program's view of signals: the one that stops threads is kept out of it, as the C library keeps its own out.
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's: all calls that take a set of signals to block, to wait for or
/// to read, but for those of waiting_calls.h (the stop signal is taken out of the set), and those that say what a signal does (for the stop signal they
/// fail with EINVAL). So a program that blocks every signal can still be stopped. Raw system calls are not seen.
std::vector<AbsoluteSymbol> signal_call_symbols();

} // namespace osr
