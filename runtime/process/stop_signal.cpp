#include "runtime/process/stop_signal.h"

#include <atomic>
#include <pthread.h>

namespace osr {
namespace {

std::atomic<int> number_in_use = 0;

} // namespace

int stop_signal() { return number_in_use.load(std::memory_order_relaxed); }

void set_stop_signal(int number) { number_in_use.store(number, std::memory_order_relaxed); }

void unblock_stop_signal() {
  const int number = stop_signal();
  if (number == 0)
    return;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

sigset_t without_stop_signal(const sigset_t &set) {
  sigset_t kept = set;
  if (const int number = stop_signal())
    sigdelset(&kept, number);
  return kept;
}

int change_mask(int (*mask)(int, const sigset_t *, sigset_t *), int how, const sigset_t *set, sigset_t *old) {
  if (!set || how == SIG_UNBLOCK)
    return mask(how, set, old);
  const sigset_t kept = without_stop_signal(*set);
  return mask(how, &kept, old);
}

} // namespace osr
