// Keeps the program's signals and cancellation away from a thread that works for the runtime.
#pragma once

#include "runtime/threads/start_thread.h"

#include <csignal>
#include <pthread.h>
#include <thread>

namespace osr {

/// A thread of the program must not end while it is at work for the runtime.
class NotCancelled {
public:
  NotCancelled() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &previous_); }
  ~NotCancelled() { pthread_setcancelstate(previous_, nullptr); }

private:
  int previous_ = PTHREAD_CANCEL_ENABLE;
};

/// Signals and cancellation wait while the runtime's own tables change: a handler of the program may call into the
/// runtime. Not the signal that stops threads: whoever sends it may hold the lock that this thread is about to wait for.
class Undisturbed {
public:
  explicit Undisturbed(int stop_signal) {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, stop_signal);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~Undisturbed() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

private:
  NotCancelled not_cancelled_;
  sigset_t previous_;
};

/// A thread of the runtime's own: the program's signals are for the program's threads. Its name, of at most 15 letters,
/// is for debuggers and traces.
template <typename Body> std::thread start_undisturbed(const char *name, Body body) {
  HostThreads host_threads;
  return std::thread([name, body = std::move(body)]() mutable {
    pthread_setname_np(pthread_self(), name);
    body();
  });
}

} // namespace osr
