// Where compiled code calls the embedder's interpreter.
#pragma once

#include "osr/deoptimize.h"
#include "runtime/code/code_session.h"
#include "runtime/engine/dead_end.h"

#include <vector>

namespace osr {

/// An interpreter, and who says what to do if that is null.
struct Deoptimization {
  const DeoptimizeHandler &handler;
  const CannotGoOn &cannot_go_on;
};

/// Says whose it is, by an address in the program's constants.
using FindDeoptimizeHandler = Deoptimization(std::uint64_t address);

/// The function that is called to do so.
std::vector<AbsoluteSymbol> deoptimize_symbols();
/// Who says where the frame state goes, in the whole process.
void answer_deoptimization(FindDeoptimizeHandler *find);

} // namespace osr
