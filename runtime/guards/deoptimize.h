// Where compiled code calls the embedder's interpreter.
#pragma once

#include "osr/deoptimize.h"
#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// The function that is called to do so. Without a handler the process ends, with a message.
std::vector<AbsoluteSymbol> deoptimize_symbols(DeoptimizeHandler handler);

} // namespace osr
