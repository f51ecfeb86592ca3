// Changing from one stack to another.
#pragma once

// StackContext: where a stack that nobody runs on goes on, with its `registers`; and how numbers are rounded and which exceptions
// trap, which belongs to the activation: at first as in a new process.
#include "osr-stubs/x86_64/switch_stack.h"

extern "C" {
/// Returns when somebody changes back to `left`.
void osr_switch_stack(osr::StackContext *left, const osr::StackContext *entered);
/// Where a new stack begins, at its end, a multiple of 16. The first saved register has the argument and the second one the function that
/// is called with it, which does not return.
void osr_begin_stack();
}
