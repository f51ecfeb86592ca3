// Calls that shared libraries make, in a process whose executable exports its symbols: threads that a library starts may
// call program code, and are registered as the program's own are; a library cannot block the stop signal, and its waits
// are not ended by it; and it finds the program's variables, which are a collector's roots. Linked into executables that
// want this (osr_interposed_calls); the library that holds the runtime does not force it on them.
#include "osr-stubs/context.h"
#include "runtime/code/program_segments.h"
#include "runtime/process/in_library.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/context_calls.h"
#include "runtime/threads/exec_calls.h"
#include "runtime/threads/fork_calls.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/waiting_calls.h"

#include <cstdarg>
#include <sched.h>
#include <threads.h>
#include <unistd.h>

extern "C" {
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument) noexcept {
  return osr::start_thread(thread, attributes, function, argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
  return osr::start_c11_thread(thread, function, argument);
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) noexcept {
  static const auto library = osr::in_library(&pthread_sigmask, "pthread_sigmask");
  return osr::change_mask(library, how, set, old);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old) noexcept {
  static const auto library = osr::in_library(&sigprocmask, "sigprocmask");
  return osr::change_mask(library, how, set, old);
}

int execve(const char *path, char *const *arguments, char *const *environment) noexcept {
  return osr::executing::execve(path, arguments, environment);
}
int execvpe(const char *file, char *const *arguments, char *const *environment) noexcept {
  return osr::executing::execvpe(file, arguments, environment);
}
int fexecve(int file, char *const *arguments, char *const *environment) noexcept {
  return osr::executing::fexecve(file, arguments, environment);
}
int execveat(int folder, const char *path, char *const *arguments, char *const *environment, int flags) noexcept {
  return osr::executing::execveat(folder, path, arguments, environment, flags);
}
int execv(const char *path, char *const *arguments) noexcept { return osr::executing::execv(path, arguments); }
int execvp(const char *file, char *const *arguments) noexcept { return osr::executing::execvp(file, arguments); }

pid_t _Fork() noexcept { return osr::forking::_Fork(); }

int dl_iterate_phdr(int (*callback)(dl_phdr_info *, std::size_t, void *), void *data) {
  return osr::iterate_program_headers(callback, data);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they have these themselves
int clone(int (*function)(void *), void *stack, int flags, void *argument, ...) noexcept {
  va_list more;
  va_start(more, argument);
  const int child = osr::forking::clone(function, stack, flags, argument, more);
  va_end(more);
  return child;
}
int swapcontext(ucontext_t *left, const ucontext_t *entered) noexcept {
  return osr_swapcontext(left, entered); // by a jump: no frame is left
}
int setcontext(const ucontext_t *entered) noexcept { return osr::contexts::setcontext(entered); }
void makecontext(ucontext_t *context, void (*function)(), int count, ...) noexcept {
  va_list arguments;
  va_start(arguments, count);
  osr::contexts::makecontext(context, function, count, arguments);
  va_end(arguments);
}
void longjmp(__jmp_buf_tag *place, int value) noexcept { osr::contexts::jump(osr::contexts::Jump::Long, place, value); }
void _longjmp(__jmp_buf_tag *place, int value) noexcept {
  osr::contexts::jump(osr::contexts::Jump::LongWithoutMask, place, value);
}
void siglongjmp(__jmp_buf_tag *place, int value) noexcept {
  osr::contexts::jump(osr::contexts::Jump::Signal, place, value);
}
void __longjmp_chk(__jmp_buf_tag *place, int value) { osr::contexts::jump(osr::contexts::Jump::Checked, place, value); }
int nanosleep(const timespec *time, timespec *remaining) { return osr::waiting::nanosleep(time, remaining); }
int clock_nanosleep(clockid_t clock, int flags, const timespec *time, timespec *remaining) {
  return osr::waiting::clock_nanosleep(clock, flags, time, remaining);
}
int usleep(useconds_t microseconds) { return osr::waiting::usleep(microseconds); }
unsigned sleep(unsigned seconds) { return osr::waiting::sleep(seconds); }
int poll(pollfd *files, nfds_t count, int milliseconds) { return osr::waiting::poll(files, count, milliseconds); }
int ppoll(pollfd *files, nfds_t count, const timespec *time, const sigset_t *mask) {
  return osr::waiting::ppoll(files, count, time, mask);
}
int select(int count, fd_set *reads, fd_set *writes, fd_set *others, timeval *time) {
  return osr::waiting::select(count, reads, writes, others, time);
}
int pselect(int count, fd_set *reads, fd_set *writes, fd_set *others, const timespec *time, const sigset_t *mask) {
  return osr::waiting::pselect(count, reads, writes, others, time, mask);
}
int epoll_wait(int epoll, epoll_event *events, int count, int milliseconds) {
  return osr::waiting::epoll_wait(epoll, events, count, milliseconds);
}
int epoll_pwait(int epoll, epoll_event *events, int count, int milliseconds, const sigset_t *mask) {
  return osr::waiting::epoll_pwait(epoll, events, count, milliseconds, mask);
}
int epoll_pwait2(int epoll, epoll_event *events, int count, const timespec *time, const sigset_t *mask) {
  return osr::waiting::epoll_pwait2(epoll, events, count, time, mask);
}
int pause() { return osr::waiting::pause(); }
int sigsuspend(const sigset_t *mask) { return osr::waiting::sigsuspend(mask); }
#endif
}
