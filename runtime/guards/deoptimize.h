// Where compiled code calls the embedder's interpreter.
#pragma once

#include "osr/deoptimize.h"
#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// Says whose interpreter it is, by an address in the program's constants. Null: there is none.
using FindDeoptimizeHandler = const DeoptimizeHandler *(std::uint64_t address);

/// The function that is called to do so. Without a handler the process ends, with a message.
std::vector<AbsoluteSymbol> deoptimize_symbols(FindDeoptimizeHandler *find);

} // namespace osr
