// The registers of interrupted code, as the kernel gives them to a signal handler.
//
//   from_context                 the RegisterSet of a context
//   is_signal_trampoline         the code to which a handler returns
//   interrupted_context          by the stack pointer with which that is entered, the context of what the signal has interrupted
//   smallest_context_bytes       what the kernel writes of a context at least
//   for_each_general_word        of a context, whatever its register
//   begin_context                a context that makecontext has made begins at osr_begin_context (osr-stubs/context.h) with arguments
//   note, noted                  a ContextNote in a context, where swapcontext and setcontext look at nothing
//   go_on_behind_call            makes it one that goes on where that frame returns to, which has such a size
//   landing_sp                   the stack pointer with which a longjmp goes on
//   call_word                    of a system call: its number, afterwards its result
//   second_argument              of a system call that is about to be made
//   pc_word                      the next instruction
//   is_system_call               of an instruction of system_call_size bytes
#pragma once

#include "runtime/machine/x86_64/context.h"
