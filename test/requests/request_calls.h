// What the host offers to programs that make requests. An executable that links request_calls.cpp exports it.
#pragma once

#include "osr/runtime.h"

namespace osr {

extern Runtime *runtime_of_requests; ///< set before the program runs

} // namespace osr

extern "C" {
/// Replaces all activations of a function. Returns how many were sent elsewhere; -1 if it failed: stderr says why.
long request(const char *function, int tier);
/// Makes a new version for calls to come. Activations of the old one end in it, and keep its memory until then.
long request_version(const char *function, int tier);
/// Transitions to a tier that have happened; how often one frame became several.
long landed(int tier);
long split();
}
