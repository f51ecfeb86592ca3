// The entry hook: a stop at the first instruction of a function, before anything of it has run.
//
// A function's hook thunk is `mov r11d, id; jmp osr_entry_hook`. The hook saves every register that can carry an
// argument, asks the handler where to go on, loads the registers again and jumps there. rsp is the same at the jump
// as at the thunk: the function that is entered returns to its caller as if there had been no hook.
#pragma once

#include "osr-stubs/stub_frame.h"

#include <cstdint>

extern "C" {
/// The code that hook thunks jump to (not callable from C++). r11d = function id, rsp = address of the return PC.
void osr_entry_hook();
extern const char osr_entry_hook_end[]; ///< one past its last byte

/// Set once, before the first hooked call. Called on the stack of the program's thread, with signals as they were;
/// returns the pc to go on at. Must not throw. It may change argument registers in the frame, and should set `target`
/// as soon as it knows it: before the pc can go out of use.
extern std::uint64_t (*osr_entry_hook_handler)(osr::EntryFrame *frame);
}
