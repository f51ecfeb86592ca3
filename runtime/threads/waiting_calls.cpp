#include "runtime/threads/waiting_calls.h"

#include "runtime/machine/system_calls.h"
#include "runtime/threads/exec_calls.h"
#include "runtime/threads/fork_calls.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/kept_set.h"
#include "runtime/threads/library_call.h"
#include "runtime/threads/program_thread.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>
#include <utility>

extern "C" { // what programs call that were compiled with _FORTIFY_SOURCE
int __poll_chk(pollfd *, nfds_t, int, size_t);
int __ppoll_chk(pollfd *, nfds_t, const timespec *, const sigset_t *, size_t);
}

namespace osr {
namespace {

/// A function of the library whose system call is not to be had apart: again, if only a stop has ended it.
template <typename Call> int again_after_stops(Call make) {
  for (;;) {
    ProgramThread *self = ThreadRegistry::current();
    if (self)
      self->interrupted_by_stop = false;
    const int result = make();
    if (!(result == -1 && errno == EINTR && self && self->interrupted_by_stop.exchange(false)))
      return result;
  }
}

int thrd_sleep(const timespec *time, timespec *remaining) {
  const int error = waiting::clock_nanosleep(CLOCK_REALTIME, 0, time, remaining);
  return error == 0 ? 0 : error == EINTR ? -1 : -2;
}

int poll_chk(pollfd *files, nfds_t count, int milliseconds, std::size_t bytes) {
  return bytes / sizeof *files < count ? __poll_chk(files, count, milliseconds, bytes)
                                       : waiting::poll(files, count, milliseconds);
}
int ppoll_chk(pollfd *files, nfds_t count, const timespec *time, const sigset_t *mask, std::size_t bytes) {
  return bytes / sizeof *files < count ? __ppoll_chk(files, count, time, mask, bytes)
                                       : waiting::ppoll(files, count, time, mask);
}

// Calls that wait for signals would take the stop signal away from its handler.

int sigtimedwait(const sigset_t *set, siginfo_t *info, const timespec *time) {
  const KeptSet kept(set);
  const auto began = std::chrono::steady_clock::now();
  bool is_first = true;
  return again_after_stops([&] {
    if (!time || std::exchange(is_first, false))
      return ::sigtimedwait(kept.address(), info, time);
    const timespec left =
        time_until(began + std::chrono::seconds(time->tv_sec) + std::chrono::nanoseconds(time->tv_nsec));
    return ::sigtimedwait(kept.address(), info, &left);
  });
}
int sigwaitinfo(const sigset_t *set, siginfo_t *info) { return osr::sigtimedwait(set, info, nullptr); }

// Semaphores of System V.

int semop(int semaphores, sembuf *operations, std::size_t count) {
  return int(library_call_without_cancellation(SYS_semop, semaphores, operations, count));
}
int semtimedop(int semaphores, sembuf *operations, std::size_t count, const timespec *time) {
  return int(library_call_without_cancellation(SYS_semtimedop, semaphores, operations, count, time));
}
/// The program's own system calls: futexes, io_getevents, epoll_pwait as libraries of languages make them.
long system_call(long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_execve || number == SYS_execveat)
    return executing::system_call(number, a, b, c, d, e);
  if (forking::is_fork(number, a, b))
    return forking::system_call(number, a, b, c, d, e);
  return ends_with_eintr(number) ? library_call_without_cancellation(number, a, b, c, d, e, f)
                                 : ::syscall(number, a, b, c, d, e, f);
}

} // namespace

namespace waiting {

/// The kernel writes what remains whenever the call ends early; the program sees it only if a signal of its own did that.
int nanosleep(const timespec *time, timespec *remaining) {
  timespec left{};
  const int result = int(library_call(SYS_nanosleep, time, remaining ? &left : nullptr));
  if (result < 0 && errno == EINTR && remaining)
    *remaining = left;
  return result;
}
int clock_nanosleep(clockid_t clock, int flags, const timespec *time, timespec *remaining) {
  if (clock == CLOCK_THREAD_CPUTIME_ID)
    return EINVAL; // as the C library says; the kernel would take it for the caller's
  timespec left{};
  const int error =
      int(-result_of(CancellationPoint::Yes, SYS_clock_nanosleep, clock, flags, time, remaining ? &left : nullptr));
  if (error == EINTR && remaining && !(flags & TIMER_ABSTIME))
    *remaining = left;
  return error;
}
int usleep(useconds_t microseconds) {
  const timespec time{time_t(microseconds / 1'000'000), long(microseconds % 1'000'000) * 1000};
  return waiting::nanosleep(&time, nullptr);
}
unsigned sleep(unsigned seconds) {
  const int error = errno;
  timespec time{time_t(seconds), 0};
  if (waiting::nanosleep(&time, &time) < 0)
    return unsigned(time.tv_sec);
  errno = error;
  return 0;
}

int poll(pollfd *files, nfds_t count, int milliseconds) {
  return int(library_call(poll_call, files, count, milliseconds));
}
int ppoll(pollfd *files, nfds_t count, const timespec *time, const sigset_t *mask) {
  const KeptSet kept(mask);
  timespec left = time ? *time : timespec{}; // the kernel takes off what is over
  return int(library_call(SYS_ppoll, files, count, time ? &left : nullptr, kept.address(), KeptSet::size));
}
int pselect(int count, fd_set *reads, fd_set *writes, fd_set *others, const timespec *time, const sigset_t *mask) {
  const KeptSet kept(mask);
  const struct {
    const sigset_t *set;
    std::size_t size;
  } masked{kept.address(), KeptSet::size};
  timespec left = time ? *time : timespec{};
  return int(library_call(SYS_pselect6, count, reads, writes, others, time ? &left : nullptr, &masked));
}
int select(int count, fd_set *reads, fd_set *writes, fd_set *others, timeval *time) {
  timespec left{-1, 0}; // what the kernel refuses
  if (time && time->tv_sec >= 0 && time->tv_usec >= 0)
    left = {time->tv_sec + time->tv_usec / 1'000'000, time->tv_usec % 1'000'000 * 1000};
  const long result = library_call(SYS_pselect6, count, reads, writes, others, time ? &left : nullptr, nullptr);
  if (time && left.tv_sec >= 0)
    *time = {left.tv_sec, left.tv_nsec / 1000};
  return int(result);
}
int epoll_wait(int epoll, epoll_event *events, int count, int milliseconds) {
  return int(library_call(epoll_wait_call, epoll, events, count, milliseconds));
}
int epoll_pwait(int epoll, epoll_event *events, int count, int milliseconds, const sigset_t *mask) {
  const KeptSet kept(mask);
  return int(library_call(SYS_epoll_pwait, epoll, events, count, milliseconds, kept.address(), KeptSet::size));
}
int epoll_pwait2(int epoll, epoll_event *events, int count, const timespec *time, const sigset_t *mask) {
  const KeptSet kept(mask);
  return int(library_call(SYS_epoll_pwait2, epoll, events, count, time, kept.address(), KeptSet::size));
}
int pause() { return int(library_call(pause_call)); }
int sigsuspend(const sigset_t *mask) {
  const KeptSet kept(mask);
  return int(library_call(SYS_rt_sigsuspend, kept.address(), KeptSet::size));
}

int sem_timedwait(sem_t *semaphore, const timespec *time) {
  return again_after_stops([=] { return ::sem_timedwait(semaphore, time); });
}
int sem_clockwait(sem_t *semaphore, clockid_t clock, const timespec *time) {
  return again_after_stops([=] { return ::sem_clockwait(semaphore, clock, time); });
}

} // namespace waiting

std::vector<AbsoluteSymbol> waiting_call_symbols() {
  return {symbol_of("nanosleep", waiting::nanosleep),
          symbol_of("clock_nanosleep", waiting::clock_nanosleep),
          symbol_of("usleep", waiting::usleep),
          symbol_of("sleep", waiting::sleep),
          symbol_of("thrd_sleep", thrd_sleep),
          symbol_of("poll", waiting::poll),
          symbol_of("__poll_chk", poll_chk),
          symbol_of("ppoll", waiting::ppoll),
          symbol_of("__ppoll_chk", ppoll_chk),
          symbol_of("select", waiting::select),
          symbol_of("pselect", waiting::pselect),
          symbol_of("epoll_wait", waiting::epoll_wait),
          symbol_of("epoll_pwait", waiting::epoll_pwait),
          symbol_of("epoll_pwait2", waiting::epoll_pwait2),
          symbol_of("pause", waiting::pause),
          symbol_of("sigsuspend", waiting::sigsuspend),
          symbol_of("sigtimedwait", sigtimedwait),
          symbol_of("sigwaitinfo", sigwaitinfo),
          symbol_of("sem_timedwait", waiting::sem_timedwait),
          symbol_of("sem_clockwait", waiting::sem_clockwait),
          symbol_of("semop", semop),
          symbol_of("semtimedop", semtimedop),
          symbol_of("syscall", system_call)};
}

} // namespace osr
