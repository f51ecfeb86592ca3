#include "runtime/threads/undisturbed.h"

#include "runtime/process/stop_signal.h"
#include "runtime/threads/own_heap.h"

#include <atomic>
#include <utility>

namespace osr {
namespace {

std::atomic<bool> possible_handlers = true;

/// How many of them the thread is in. Handlers of the program see 0.
constinit thread_local unsigned depth __attribute__((tls_model("initial-exec"))) = 0;

} // namespace

void set_handlers_are_possible(bool possible) { possible_handlers.store(possible, std::memory_order_relaxed); }

bool handlers_are_possible() { return possible_handlers.load(std::memory_order_relaxed); }

Undisturbed::HandlersPutOff::HandlersPutOff() {
  if (depth == 0 && handlers_are_possible()) {
    sigset_t all;
    sigfillset(&all);
    all = without_stop_signal(all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
    blocked_ = true;
  }
  ++depth;
  ran_program_ = std::exchange(runs_program, false);
}

Undisturbed::HandlersPutOff::~HandlersPutOff() {
  runs_program = ran_program_;
  --depth;
  if (blocked_)
    pthread_sigmask(SIG_SETMASK, &previous_, nullptr); // they come before this returns
}

/// The C library forgets a cancellation that comes while it is off in a thread that may be cancelled at any instruction:
/// so the thread is none of those meanwhile.
Undisturbed::NotCancelled::NotCancelled() {
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type_);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_);
}

Undisturbed::NotCancelled::~NotCancelled() noexcept(false) {
  pthread_setcancelstate(state_, nullptr);
  if (type_ == PTHREAD_CANCEL_ASYNCHRONOUS)
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr); // here it acts on what has come
}

} // namespace osr
