// The entry hook: a stop at the first instruction of a function, before anything of it has run.
//
// A function's hook thunk is `mov qword ptr [rsp - 16], id`, and a jump to osr_entry_hook by a way that is its runtime's own:
// that stores the EntryHook to [rsp - 24]. The hook saves every register, asks the handler where to go on, loads the registers again and jumps there: which of them carry arguments, and which the callee
// keeps, differs from convention to convention. rsp is the same at the jump as at the thunk: the function that is entered
// returns to its caller as if there had been no hook. Flags mean nothing at a call.
#pragma once

#include "osr-stubs/stub_frame.h"

#include <cstdint>

extern "C" {
/// Where hook thunks lead (not callable from C++). rsp = address of the return PC; 16 bytes below: the function's id; 24 bytes
/// below: the EntryHook.
void osr_entry_hook();
extern const char osr_entry_hook_end[]; ///< one past its last byte
}
