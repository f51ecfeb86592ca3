// Calls that shared libraries make, in a process whose executable exports its symbols: threads that a library starts may
// call program code, and are registered as the program's own are; a library cannot block the stop signal; and it finds the
// program's variables, which are a collector's roots. Linked into executables that want this (osr_interposed_calls); the
// library that holds the runtime does not force it on them.
#include "runtime/code/program_segments.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/stop_signal.h"

#include <dlfcn.h>
#include <threads.h>

namespace {

template <typename Function> Function *next(Function *, const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument) noexcept {
  return osr::start_thread(thread, attributes, function, argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
  return osr::start_c11_thread(thread, function, argument);
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) noexcept {
  static const auto library = next(&pthread_sigmask, "pthread_sigmask");
  return osr::change_mask(library, how, set, old);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old) noexcept {
  static const auto library = next(&sigprocmask, "sigprocmask");
  return osr::change_mask(library, how, set, old);
}

int dl_iterate_phdr(int (*callback)(dl_phdr_info *, std::size_t, void *), void *data) {
  return osr::iterate_program_headers(callback, data);
}
}
