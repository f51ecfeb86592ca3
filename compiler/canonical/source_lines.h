// Source lines: all that is kept of a program's debug information.
//
// Whatever a front end wrote is taken away, and then each instruction gets its file and line back, in the plainest form
// that LLVM knows: one unit that asks for `.loc` directives only, one DISubprogram for each function, and locations of that
// function, also for code that was inlined into it. So a program is compiled as if it had no debug information, and copying
// a function needs no new metadata: a copy shares the nodes (Extractor), of which a context would never get rid.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

#include <cstdint>

namespace osr {

/// What becomes of a front end's debug information.
enum class DebugInformation : std::uint8_t {
  Lines, ///< all that code is made with
  All, ///< of a program that is looked at only: see compiler/sites/source_table.h
};

/// At the beginning: nothing of a front end's debug information is left but lines.
void keep_source_lines(llvm::Module &module);

/// With all of it, before anything is optimised: from here on LLVM follows where each assignment of a variable in memory
/// goes. Else its passes would claim values for variables that a callee may change through a pointer.
void track_assignments(llvm::Module &module);

/// After code was moved between functions, by inlining: each location is one of its own function again.
void flatten_source_lines(llvm::Module &module);

/// After instructions were added: LLVM wants calls that may be inlined to have a location.
void complete_source_lines(llvm::Module &module);

} // namespace osr
