// The entry hook: a stop at the first instruction of a function, before anything of it has run.
//
// A function's hook thunk is `mov qword ptr [rsp - 16], id; jmp osr_entry_hook`. The hook saves every register, asks the
// handler where to go on, loads the registers again and jumps there: which of them carry arguments, and which the callee
// keeps, differs from convention to convention. rsp is the same at the jump as at the thunk: the function that is entered
// returns to its caller as if there had been no hook. Flags mean nothing at a call.
#pragma once

#include "osr-stubs/stub_frame.h"

#include <cstdint>

extern "C" {
/// The code that hook thunks jump to (not callable from C++). rsp = address of the return PC, 16 bytes below: the function's id.
void osr_entry_hook();
extern const char osr_entry_hook_end[]; ///< one past its last byte

/// Set once, before the first hooked call. Called on the stack of the program's thread, with signals as they were;
/// returns the pc to go on at. Must not throw. It should set `target` as soon as it knows it: before the pc can go out of use.
extern std::uint64_t (*osr_entry_hook_handler)(osr::EntryFrame *frame);
}
