// A system call that may wait, made where the handler of the signal that stops threads can tell what it has interrupted.
#pragma once

#include <cstdint>

extern "C" {
/// System call `number`; returns what the kernel does, -errno for an error. Its return PC in the kernel's eyes is
/// osr_waiting_call_returned: a handler that finds a thread there, with -EINTR in rax, has interrupted this call.
long osr_waiting_call(long number, const long arguments[6]);
extern const char osr_waiting_call_returned[];
}
