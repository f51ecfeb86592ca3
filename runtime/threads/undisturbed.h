// The one guard around everything that the runtime does in a thread of the program.
//
//   program code ──► entry hook, poll, counter, failed guard, interposed call, fork, thread's start and end
//                      Undisturbed begins: handlers of the program and cancellation are put off
//                        the runtime's tables and locks, the compiler, the runtime's memory (own_heap.h)
//                      Undisturbed ends: what was put off happens here, while nothing of the runtime is under way
//   program code ◄──
//
// So a handler never finds a lock of the runtime taken by the code that it interrupted, whatever it calls; and a handler
// that leaves by siglongjmp leaves nothing of the runtime behind. The rule that goes with it: program code is never
// called, and no lock is held, across the end of this object.
#pragma once

#include "runtime/threads/start_thread.h"

#include <cerrno>
#include <cfenv>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <thread>

namespace osr {

/// False: nobody installs a handler of signals in this process that could come to program code, so none is put off, which
/// takes two system calls. Until it is said, true. To be said before program code runs.
void set_handlers_are_possible(bool possible);
bool handlers_are_possible();

/// What libraries keep for a thread, and the runtime shares with the program whose calls it interrupts. The runtime works
/// between a call and the first instruction of the function called, where natively nothing happens: the compiler's system
/// calls set errno, and LLVM's uses of std::call_once come between the program's own, which has just said what to call,
/// and the library, which is about to call it. And the compiler calculates: with the program's rounding it would fold
/// constants otherwise, with its traps it would end the process, and the program would find exceptions that it never raised.
class LibraryState {
public:
  LibraryState() {
    std::fegetenv(&calculation_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~LibraryState() {
    std::fesetenv(&calculation_);
    errno = error_;
#ifdef _GLIBCXX_HAVE_TLS
    std::__once_callable = once_callable_;
    std::__once_call = once_call_;
#endif
  }
  LibraryState(const LibraryState &) = delete;
  LibraryState &operator=(const LibraryState &) = delete;

private:
  std::fenv_t calculation_;
  int error_ = errno;
#ifdef _GLIBCXX_HAVE_TLS
  void *once_callable_ = std::__once_callable;
  void (*once_call_)() = std::__once_call;
#endif
};

/// May be nested. Not the signal that stops threads: whoever sends it may hold the lock that this thread is about to wait
/// for. The destructor lets a cancellation that was put off unwind through it, where the thread is to be cancelled at any
/// instruction: so it may throw, and stands in no function that must not.
class Undisturbed {
public:
  Undisturbed() = default;
  Undisturbed(const Undisturbed &) = delete;
  Undisturbed &operator=(const Undisturbed &) = delete;

private:
  /// Handlers first and last: one that leaves by siglongjmp must not leave cancellation off.
  class HandlersPutOff {
  public:
    HandlersPutOff();
    ~HandlersPutOff();

  private:
    bool blocked_ = false, ran_program_;
    sigset_t previous_;
  };
  class NotCancelled {
  public:
    NotCancelled();
    ~NotCancelled() noexcept(false);

  private:
    int type_ = PTHREAD_CANCEL_DEFERRED, state_ = PTHREAD_CANCEL_ENABLE;
  };

  LibraryState kept_;
  HandlersPutOff handlers_;
  NotCancelled not_cancelled_;
};

} // namespace osr
