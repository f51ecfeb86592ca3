// A thread that may be cancelled at any instruction (PTHREAD_CANCEL_ASYNCHRONOUS), where compiled code calls the runtime.
//
//   compiled code ──► outer function: cancellation is deferred first, comes last
//                        └──► inner function: the runtime, which the thread cannot be cancelled in
//
// The outer function may be unwound at each of its instructions. For that it has no objects to destroy and is not
// noexcept: such a function has a table of its calls, and an unwinder that comes through it elsewhere ends the process. So the
// inner one must not be inlined into it.
#pragma once

#include <pthread.h>

namespace osr {

/// How the thread could be cancelled before, for cancel_as_before().
inline int defer_cancellation() {
  int before = PTHREAD_CANCEL_DEFERRED;
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
  return before;
}

/// What came in between comes here, and unwinds the thread.
inline void cancel_as_before(int before) {
  if (before != PTHREAD_CANCEL_DEFERRED)
    pthread_setcanceltype(before, nullptr);
}

} // namespace osr
