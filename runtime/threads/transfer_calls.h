// The C library's functions that move bytes, or wait for somebody who will, as the program gets them (waiting_call.h).
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's.
std::vector<AbsoluteSymbol> transfer_call_symbols();

} // namespace osr
