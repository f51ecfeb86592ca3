// Leaving a stack by code that is not ours.
#pragma once

#include "osr-stubs/call_on_stack.h"

extern "C" {
/// Calls function(argument), which changes stacks, and returns when somebody has changed back. `outside` is filled in before:
/// as the caller of this function sees the registers behind the call, whatever the function does with them meanwhile.
void osr_leave_stack(void (*function)(void *), void *argument, osr::OutsideRegisters *outside);
}
