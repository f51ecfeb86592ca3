#include "runtime/threads/signal_calls.h"

#include "runtime/process/stop_signal.h"
#include "runtime/threads/kept_set.h"

#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <sys/signalfd.h>

extern "C" { // the C library exports these for programs that were written for other systems
sighandler_t bsd_signal(int, sighandler_t) noexcept;
sighandler_t sysv_signal(int, sighandler_t) noexcept;
}

namespace osr {
namespace {

bool refuse(int number) {
  if (number == 0 || number != stop_signal())
    return false;
  errno = EINVAL;
  return true;
}

// Masks.

int program_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  return change_mask(pthread_sigmask, how, set, old);
}
int program_sigprocmask(int how, const sigset_t *set, sigset_t *old) { return change_mask(sigprocmask, how, set, old); }
int program_attr_setsigmask(pthread_attr_t *attributes, const sigset_t *set) {
  if (!set)
    return pthread_attr_setsigmask_np(attributes, nullptr);
  const sigset_t kept = without_stop_signal(*set);
  return pthread_attr_setsigmask_np(attributes, &kept);
}

// Calls that wait for signals would take the stop signal away from its handler.

int program_sigwait(const sigset_t *set, int *number) { return sigwait(KeptSet(set).address(), number); }
int program_signalfd(int file, const sigset_t *set, int flags) { return signalfd(file, KeptSet(set).address(), flags); }

// What signals do.

int program_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  if (refuse(number))
    return -1;
  if (!action)
    return sigaction(number, nullptr, old);
  struct sigaction kept = *action;
  kept.sa_mask = without_stop_signal(action->sa_mask);
  return sigaction(number, &kept, old);
}

template <sighandler_t (*Call)(int, sighandler_t)> sighandler_t program_signal(int number, sighandler_t handler) {
  return refuse(number) ? SIG_ERR : Call(number, handler);
}

} // namespace

std::vector<AbsoluteSymbol> signal_call_symbols() {
  return {symbol_of("pthread_sigmask", program_pthread_sigmask),
          symbol_of("sigprocmask", program_sigprocmask),
          symbol_of("pthread_attr_setsigmask_np", program_attr_setsigmask),
          symbol_of("sigwait", program_sigwait),
          symbol_of("signalfd", program_signalfd),
          symbol_of("sigaction", program_sigaction),
          symbol_of("signal", program_signal<signal>),
          symbol_of("bsd_signal", program_signal<bsd_signal>),
          symbol_of("sysv_signal", program_signal<sysv_signal>),
          symbol_of("__sysv_signal", program_signal<sysv_signal>)};
}

} // namespace osr
