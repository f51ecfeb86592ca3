#include "runtime/threads/shared_process.h"

#include "compiler/base/error.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/interrupted_call.h"
#include "runtime/threads/program_thread.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

std::atomic<std::uint32_t> events_of_stops = 0;

/// The part of a handshake that runs in the thread that is stopped. ThreadSanitizer must not see it: its runtime is not
/// made to be interrupted.
__attribute__((no_sanitize("thread"))) void on_stop_signal(int, siginfo_t *, void *context) {
  int saved_errno = errno;
  if (ProgramThread *self = current_thread) {
    self->context = static_cast<const ucontext_t *>(context);
    std::uint32_t *word = futex_word(self->stop), *events = futex_word(events_of_stops);
    auto requested = std::uint32_t(StopState::Requested), stopped = std::uint32_t(StopState::Stopped);
    if (__atomic_compare_exchange_n(word, &requested, stopped, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      __atomic_fetch_add(events, 1, __ATOMIC_RELEASE);
      syscall(SYS_futex, events, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
      while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == stopped)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, stopped, nullptr, nullptr, 0);
    }
    settle_interrupted_call(*self, *static_cast<ucontext_t *>(context));
  }
  errno = saved_errno;
}

/// The C library's own: that of a sanitizer would call the handler some time after the signal, with registers that are no
/// longer the thread's.
int library_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  static const auto library =
      reinterpret_cast<decltype(&sigaction)>(dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "sigaction"));
  return library ? library(number, action, old) : sigaction(number, action, old);
}

} // namespace

std::atomic<std::uint32_t> &SharedProcess::stop_events() { return events_of_stops; }

Expected<SharedProcess::Membership> SharedProcess::join(int signal_number) {
  static auto &process = *new SharedProcess;
  Lock lock(process.mutex_);
  if (process.members_ == 0) {
    if (Error error = process.install(signal_number))
      return error;
  } else if (signal_number != process.signal_number_) {
    return make_error(ErrorCode::InUse,
                      "threads of this process are stopped by signal {} already, for another runtime: choose the same",
                      process.signal_number_);
  }
  ++process.members_;
  unblock_stop_signal(); // whoever started this process may have blocked it
  return Membership(&process);
}

Error SharedProcess::install(int signal_number) {
  struct sigaction action{};
  action.sa_sigaction = on_stop_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  // All, also the C library's own, which sigfillset leaves out: a stopped thread that is cancelled would unwind its
  // stack while the requester walks it.
  std::memset(&action.sa_mask, 0xff, sizeof(action.sa_mask));
  if (signal_number < SIGRTMIN || signal_number > SIGRTMAX ||
      library_sigaction(signal_number, &action, &previous_) != 0)
    return make_error(ErrorCode::Invalid, "signal {} cannot be used to stop threads; choose one from {} to {}",
                      signal_number, SIGRTMIN, SIGRTMAX);
  signal_number_ = signal_number;
  set_stop_signal(signal_number);
  return Error::success();
}

/// A request that was given up may have left a signal pending, which must not end the process.
void SharedProcess::leave() {
  Lock lock(mutex_);
  if (--members_ != 0)
    return;
  if (previous_.sa_handler == SIG_DFL)
    previous_.sa_handler = SIG_IGN;
  library_sigaction(signal_number_, &previous_, nullptr);
}

} // namespace osr
