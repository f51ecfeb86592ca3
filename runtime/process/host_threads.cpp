#include "runtime/process/host_threads.h"

#include "runtime/process/stop_signal.h"

#include <pthread.h>

namespace osr {
namespace {

thread_local unsigned count = 0; ///< of the calling thread's HostThreads

} // namespace

sigset_t block_signals() {
  sigset_t all, before;
  sigfillset(&all);
  all = without_stop_signal(all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  return without_stop_signal(before);
}

HostThreads::HostThreads() : mask_(block_signals()) { ++count; }

HostThreads::~HostThreads() {
  --count;
  pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
}

bool HostThreads::exist() { return count != 0; }

} // namespace osr
