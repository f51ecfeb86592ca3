// Functions made by chance, from a seed: many values of many types alive across many calls.
#pragma once

#include <string>

namespace osr {

/// Text IR of `i64 @generated(i64, i64, double, ptr)`, a function with branches, a loop, calls of `i64 @ext(i64)` and
/// `double @real(double)`, and more live values than the machine has registers: integers of several widths, doubles,
/// addresses derived from a pointer (16 x i64 that it may read and write), constants that phis carry. Ends for any
/// arguments, and computes without undefined behaviour.
std::string generate_ir(unsigned seed);

} // namespace osr
