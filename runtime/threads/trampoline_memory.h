// Memory in which a program makes functions: see compiler/tiers/trampolines.h.
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// What compiled code calls: the stack that the memory is on becomes executable, as natively all stacks of such a program are; of other
/// memory only the pages that a trampoline needs. If the system forbids that, the program ends where it calls the trampoline, as natively.
std::vector<AbsoluteSymbol> trampoline_memory_symbols();

} // namespace osr
