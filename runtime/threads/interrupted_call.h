// What the signal that stops threads has interrupted, and what has to become of it. The kernel ends a system call that
// waits before it calls a handler. Calls of one kind it makes again by itself (SA_RESTART); the others return EINTR, and
// natively no signal would have come. Four cases, all decided in the handler, where every signal is blocked:
//
//   interrupted                      no signal of the program waits         one that the program handles waits
//   our own call (waiting_call.h)    it returns was_stopped, with signals blocked: waiting_calls.cpp goes on with it
//   our own, which had begun         `interrupted_by_stop` says so          what it has done so far, as natively
//   another, EINTR in rax            `interrupted_by_stop` says so          EINTR, as natively
//   another, to be made again        is made again                          EINTR, if that handler wants no restart
#pragma once

#include "runtime/threads/program_thread.h"

#include <cstdint>

namespace osr {

/// A set of signals as the kernel has it: bit n-1 for signal n.
using KernelMask = std::uint64_t;
constexpr KernelMask mask_of(int signal) { return KernelMask(1) << (signal - 1); }

/// What osr_waiting_call returns for EINTR that nobody but the runtime has caused; no error of the kernel. All signals but
/// that which stops threads are blocked then, and `wait_mask` of the thread's record has the mask to be restored.
constexpr long was_stopped = -5000;

/// At the end of the handler, in the thread that was stopped.
void settle_interrupted_call(ProgramThread &self, ucontext_t &context);

/// Whether a signal is pending that would be delivered under `mask` and calls a handler.
bool is_handled_signal_pending(KernelMask mask);

} // namespace osr
