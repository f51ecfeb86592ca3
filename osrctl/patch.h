// A patch for a running program: all functions in which two versions of a file differ.
//
//   OLD, which the program was made of: ┐   functions that differ: each alone in a module, as for 'redefine'
//   a file, or the process's own copy   │
//   NEW, which is to be ────────────────┴─► what cannot be patched is refused by name, before the program hears of it
#pragma once

#include "osrctl/control_connection.h"

namespace osr {

/// `old`, `new` (C, C++, text IR or bitcode) and `flags` for clang become `functions`. Without `old`, or without `new`, the
/// one that is there is the new one.
llvm::Expected<nlohmann::json> prepare_patch(ControlConnection &connection, nlohmann::json parameters);

} // namespace osr
