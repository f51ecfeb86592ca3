// The program's own calls about all memory of the process: mlockall.
//
// The runtime has reserved many times as much address space as there is memory. A program that locks all of it, as servers and
// programs with deadlines do, means its own memory.
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// The functions that the program calls under these names.
std::vector<AbsoluteSymbol> memory_call_symbols();

} // namespace osr
