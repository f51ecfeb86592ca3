#include "runtime/threads/waiting_calls.h"

#include "runtime/threads/exec_calls.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/program_thread.h"
#include "runtime/threads/stop_signal.h"
#include "runtime/threads/waiting_call.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <threads.h>
#include <type_traits>
#include <unistd.h>
#include <utility>

extern "C" { // what programs call that were compiled with _FORTIFY_SOURCE
int __poll_chk(pollfd *, nfds_t, int, size_t);
int __ppoll_chk(pollfd *, nfds_t, const timespec *, const sigset_t *, size_t);
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, sockaddr *, socklen_t *);
}

namespace osr {
namespace {

constexpr long most_errors = 4095;

template <typename Value> long word(Value value) {
  if constexpr (std::is_pointer_v<Value>)
    return reinterpret_cast<long>(value);
  else
    return long(value);
}

template <typename... Values> long result_of(CancellationPoint point, long number, Values... values) {
  return waiting_call(number, CallArguments{word(values)...}, point);
}

long with_errno(long result) {
  if (result >= 0 || result < -most_errors)
    return result;
  errno = int(-result);
  return -1;
}

/// As the C library makes such calls: a thread can be cancelled in them.
template <typename... Values> long call(long number, Values... values) {
  return with_errno(result_of(CancellationPoint::Yes, number, values...));
}
template <typename... Values> long call_without_cancellation(long number, Values... values) {
  return with_errno(result_of(CancellationPoint::No, number, values...));
}

/// A set that may be absent, without the stop signal, as the kernel wants it.
class KeptSet {
public:
  explicit KeptSet(const sigset_t *set) : is_there_(set != nullptr) {
    if (set)
      kept_ = without_stop_signal(*set);
  }
  const sigset_t *address() const { return is_there_ ? &kept_ : nullptr; }
  static constexpr std::size_t size = sizeof(std::uint64_t);

private:
  bool is_there_;
  sigset_t kept_;
};

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

/// The kernel ends a write in the middle when a signal comes, and says how much was written.
template <typename... Values>
ssize_t write_all(long number, int file, const char *bytes, std::size_t size, Values... values) {
  ProgramThread *self = ThreadRegistry::current();
  for (std::size_t done = 0;;) {
    if (self)
      self->interrupted_by_stop = false;
    const long result = result_of(CancellationPoint::Yes, number, file, bytes + done, size - done, values...);
    if (result < 0)
      return done ? ssize_t(done) : with_errno(result);
    done += std::size_t(result);
    if (done == size || !self || !self->interrupted_by_stop.exchange(false))
      return ssize_t(done);
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

// Semaphores and messages of System V.

int semop(int semaphores, sembuf *operations, std::size_t count) {
  return int(call_without_cancellation(SYS_semop, semaphores, operations, count));
}
int semtimedop(int semaphores, sembuf *operations, std::size_t count, const timespec *time) {
  return int(call_without_cancellation(SYS_semtimedop, semaphores, operations, count, time));
}
ssize_t msgrcv(int queue, void *message, std::size_t size, long type, int flags) {
  return call(SYS_msgrcv, queue, message, size, type, flags);
}
int msgsnd(int queue, const void *message, std::size_t size, int flags) {
  return int(call(SYS_msgsnd, queue, message, size, flags));
}

// Sockets may have a time limit, and then end with EINTR.

ssize_t read(int file, void *bytes, std::size_t size) { return call(SYS_read, file, bytes, size); }
ssize_t read_chk(int file, void *bytes, std::size_t size, std::size_t room) {
  return size > room ? __read_chk(file, bytes, size, room) : read(file, bytes, size);
}
ssize_t readv(int file, const iovec *parts, int count) { return call(SYS_readv, file, parts, count); }
ssize_t recvfrom(int file, void *bytes, std::size_t size, int flags, sockaddr *from, socklen_t *length) {
  return call(SYS_recvfrom, file, bytes, size, flags, from, length);
}
ssize_t recvfrom_chk(int file, void *bytes, std::size_t size, std::size_t room, int flags, sockaddr *from,
                     socklen_t *length) {
  return size > room ? __recvfrom_chk(file, bytes, size, room, flags, from, length)
                     : osr::recvfrom(file, bytes, size, flags, from, length);
}
ssize_t recv(int file, void *bytes, std::size_t size, int flags) {
  return osr::recvfrom(file, bytes, size, flags, nullptr, nullptr);
}
ssize_t recv_chk(int file, void *bytes, std::size_t size, std::size_t room, int flags) {
  return size > room ? __recv_chk(file, bytes, size, room, flags) : recv(file, bytes, size, flags);
}
ssize_t recvmsg(int file, msghdr *message, int flags) { return call(SYS_recvmsg, file, message, flags); }
ssize_t write(int file, const void *bytes, std::size_t size) {
  return write_all(SYS_write, file, static_cast<const char *>(bytes), size);
}
ssize_t sendto(int file, const void *bytes, std::size_t size, int flags, const sockaddr *to, socklen_t length) {
  return write_all(SYS_sendto, file, static_cast<const char *>(bytes), size, flags, to, length);
}
ssize_t send(int file, const void *bytes, std::size_t size, int flags) {
  return sendto(file, bytes, size, flags, nullptr, 0);
}
ssize_t sendmsg(int file, const msghdr *message, int flags) { return call(SYS_sendmsg, file, message, flags); }
int accept(int file, sockaddr *from, socklen_t *length) { return int(call(SYS_accept, file, from, length)); }
int accept4(int file, sockaddr *from, socklen_t *length, int flags) {
  return int(call(SYS_accept4, file, from, length, flags));
}
int connect(int file, const sockaddr *to, socklen_t length) { return int(call(SYS_connect, file, to, length)); }

/// The program's own system calls: futexes, io_getevents, epoll_pwait as libraries of languages make them.
long system_call(long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_execve || number == SYS_execveat)
    return executing::system_call(number, a, b, c, d, e);
  return ends_with_eintr(number) ? call_without_cancellation(number, a, b, c, d, e, f)
                                 : ::syscall(number, a, b, c, d, e, f);
}

template <typename Function> AbsoluteSymbol symbol(const char *name, Function *function) {
  return {name, reinterpret_cast<std::uint64_t>(function)};
}

} // namespace

namespace waiting {

/// The kernel writes what remains whenever the call ends early; the program sees it only if a signal of its own did that.
int nanosleep(const timespec *time, timespec *remaining) {
  timespec left{};
  const int result = int(call(SYS_nanosleep, time, remaining ? &left : nullptr));
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

int poll(pollfd *files, nfds_t count, int milliseconds) { return int(call(SYS_poll, files, count, milliseconds)); }
int ppoll(pollfd *files, nfds_t count, const timespec *time, const sigset_t *mask) {
  const KeptSet kept(mask);
  timespec left = time ? *time : timespec{}; // the kernel takes off what is over
  return int(call(SYS_ppoll, files, count, time ? &left : nullptr, kept.address(), KeptSet::size));
}
int pselect(int count, fd_set *reads, fd_set *writes, fd_set *others, const timespec *time, const sigset_t *mask) {
  const KeptSet kept(mask);
  const struct {
    const sigset_t *set;
    std::size_t size;
  } masked{kept.address(), KeptSet::size};
  timespec left = time ? *time : timespec{};
  return int(call(SYS_pselect6, count, reads, writes, others, time ? &left : nullptr, &masked));
}
int select(int count, fd_set *reads, fd_set *writes, fd_set *others, timeval *time) {
  timespec left{-1, 0}; // what the kernel refuses
  if (time && time->tv_sec >= 0 && time->tv_usec >= 0)
    left = {time->tv_sec + time->tv_usec / 1'000'000, time->tv_usec % 1'000'000 * 1000};
  const long result = call(SYS_pselect6, count, reads, writes, others, time ? &left : nullptr, nullptr);
  if (time && left.tv_sec >= 0)
    *time = {left.tv_sec, left.tv_nsec / 1000};
  return int(result);
}
int epoll_wait(int epoll, epoll_event *events, int count, int milliseconds) {
  return int(call(SYS_epoll_wait, epoll, events, count, milliseconds));
}
int epoll_pwait(int epoll, epoll_event *events, int count, int milliseconds, const sigset_t *mask) {
  const KeptSet kept(mask);
  return int(call(SYS_epoll_pwait, epoll, events, count, milliseconds, kept.address(), KeptSet::size));
}
int epoll_pwait2(int epoll, epoll_event *events, int count, const timespec *time, const sigset_t *mask) {
  const KeptSet kept(mask);
  return int(call(SYS_epoll_pwait2, epoll, events, count, time, kept.address(), KeptSet::size));
}
int pause() { return int(call(SYS_pause)); }
int sigsuspend(const sigset_t *mask) {
  const KeptSet kept(mask);
  return int(call(SYS_rt_sigsuspend, kept.address(), KeptSet::size));
}

int sem_timedwait(sem_t *semaphore, const timespec *time) {
  return again_after_stops([=] { return ::sem_timedwait(semaphore, time); });
}
int sem_clockwait(sem_t *semaphore, clockid_t clock, const timespec *time) {
  return again_after_stops([=] { return ::sem_clockwait(semaphore, clock, time); });
}

} // namespace waiting

std::vector<AbsoluteSymbol> waiting_call_symbols() {
  return {symbol("nanosleep", waiting::nanosleep),
          symbol("clock_nanosleep", waiting::clock_nanosleep),
          symbol("usleep", waiting::usleep),
          symbol("sleep", waiting::sleep),
          symbol("thrd_sleep", thrd_sleep),
          symbol("poll", waiting::poll),
          symbol("__poll_chk", poll_chk),
          symbol("ppoll", waiting::ppoll),
          symbol("__ppoll_chk", ppoll_chk),
          symbol("select", waiting::select),
          symbol("pselect", waiting::pselect),
          symbol("epoll_wait", waiting::epoll_wait),
          symbol("epoll_pwait", waiting::epoll_pwait),
          symbol("epoll_pwait2", waiting::epoll_pwait2),
          symbol("pause", waiting::pause),
          symbol("sigsuspend", waiting::sigsuspend),
          symbol("sigtimedwait", sigtimedwait),
          symbol("sigwaitinfo", sigwaitinfo),
          symbol("sem_timedwait", waiting::sem_timedwait),
          symbol("sem_clockwait", waiting::sem_clockwait),
          symbol("semop", semop),
          symbol("semtimedop", semtimedop),
          symbol("msgrcv", msgrcv),
          symbol("msgsnd", msgsnd),
          symbol("read", read),
          symbol("__read_chk", read_chk),
          symbol("readv", readv),
          symbol("recv", recv),
          symbol("__recv_chk", recv_chk),
          symbol("recvfrom", recvfrom),
          symbol("__recvfrom_chk", recvfrom_chk),
          symbol("recvmsg", recvmsg),
          symbol("write", write),
          symbol("send", send),
          symbol("sendto", sendto),
          symbol("sendmsg", sendmsg),
          symbol("accept", accept),
          symbol("accept4", accept4),
          symbol("connect", connect),
          symbol("syscall", system_call)};
}

} // namespace osr
