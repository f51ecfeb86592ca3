// A new body for a function of a running program, from a file that was edited.
//
//   server.c ──clang──► module ──► everything but the function goes: what the program has is declared,
//                                  so static functions and variables are the running ones;
//                                  helpers that it does not have are inlined ──► bitcode
#pragma once

#include "osrctl/control_connection.h"

namespace osr {

/// `file` (C, C++, text IR or bitcode) and `flags` for clang become `ir`. The error names what does not fit.
llvm::Expected<nlohmann::json> prepare_new_body(ControlConnection &connection, nlohmann::json parameters);

} // namespace osr
