#include "runtime/threads/waiting_call.h"

#include "osr-stubs/waiting_call.h"
#include "runtime/machine/system_calls.h"
#include "runtime/threads/interrupted_call.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace osr {
namespace {

using Nanoseconds = std::int64_t;
constexpr Nanoseconds second = 1'000'000'000;
constexpr Nanoseconds no_limit = INT64_MAX;

template <typename Pointer> long argument_of(Pointer *pointer) { return reinterpret_cast<long>(pointer); }
timespec *time_at(long argument) { return reinterpret_cast<timespec *>(argument); }

Nanoseconds nanoseconds_of(const timespec &time) {
  return time.tv_sec > no_limit / second - 1 ? no_limit : time.tv_sec * second + time.tv_nsec;
}

Nanoseconds now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return nanoseconds_of(time);
}

void set_mask(KernelMask mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask); }

/// No frame between here and the program has anything to clean up when the thread is cancelled.
long call_once(long number, const CallArguments &arguments, CancellationPoint point) {
  int type = PTHREAD_CANCEL_DEFERRED;
  if (point == CancellationPoint::Yes)
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  const long result = osr_waiting_call(number, arguments.data());
  if (point == CancellationPoint::Yes)
    pthread_setcanceltype(type, nullptr);
  return result;
}

bool is_on_socket(long number) {
  switch (number) {
  case SYS_read:
  case SYS_write:
  case SYS_readv:
  case SYS_writev:
  case SYS_recvfrom:
  case SYS_recvmsg:
  case SYS_sendto:
  case SYS_sendmsg:
  case SYS_accept:
  case SYS_accept4:
  case SYS_connect: return true;
  }
  return false;
}

bool sends(long number) {
  return number == SYS_write || number == SYS_writev || number == SYS_sendto || number == SYS_sendmsg ||
         number == SYS_connect;
}

/// Sleeps of these clocks can be waits of poll.
bool is_clock_of_poll(long clock) {
  return clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME;
}

/// A call that was stopped, and goes on.
class StoppedCall {
public:
  StoppedCall(long number, const CallArguments &arguments, CancellationPoint point, Nanoseconds began, KernelMask mask)
      : number_(number), arguments_(arguments), point_(point), clock_(clock_of(number, arguments)), began_(began),
        mask_(mask) {}

  static clockid_t clock_of(long number, const CallArguments &arguments) {
    return number == SYS_clock_nanosleep ? clockid_t(arguments[0]) : CLOCK_MONOTONIC;
  }

  long run() {
    long result = was_stopped;
    for (const Nanoseconds limit = limit_of(); result == was_stopped;) {
      are_blocked_ = true;
      left_ = {};
      if (limit != no_limit) {
        const Nanoseconds left = std::max<Nanoseconds>(limit - now(clock_), 0);
        left_ = {time_t(left / second), long(left % second)};
      }
      timespec *time = limit == no_limit ? nullptr : &left_;
      result = is_on_socket(number_) ? wait_for_socket(time) : again(time);
    }
    if (are_blocked_)
      set_mask(mask_);
    return result;
  }

private:
  /// When it has to end by `clock_`. Its arguments are sound: the kernel has taken them.
  Nanoseconds limit_of() const {
    const auto from = [this](const timespec *time) {
      const Nanoseconds length = time ? nanoseconds_of(*time) : no_limit;
      return length > no_limit - began_ ? no_limit : began_ + length;
    };
    const auto from_milliseconds = [this](int time) {
      return time < 0 ? no_limit : began_ + Nanoseconds(time) * 1'000'000;
    };
    switch (number_) {
    case SYS_nanosleep: return from(time_at(arguments_[0]));
    case SYS_clock_nanosleep:
      return arguments_[1] & TIMER_ABSTIME ? nanoseconds_of(*time_at(arguments_[2])) : from(time_at(arguments_[2]));
    case poll_call: return from_milliseconds(int(arguments_[2]));
    case epoll_wait_call:
    case SYS_epoll_pwait: return from_milliseconds(int(arguments_[3]));
    case SYS_rt_sigtimedwait: return from(time_at(arguments_[2]));
    case SYS_epoll_pwait2:
    case SYS_semtimedop: return from(time_at(arguments_[3]));
    case SYS_futex: return (arguments_[1] & FUTEX_CMD_MASK) == FUTEX_WAIT ? from(time_at(arguments_[3])) : no_limit;
    case SYS_io_getevents: return from(time_at(arguments_[4]));
    }
    return is_on_socket(number_) ? limit_of_socket() : no_limit;
  }

  Nanoseconds limit_of_socket() const {
    timeval time{};
    socklen_t size = sizeof time;
    if (getsockopt(int(arguments_[0]), SOL_SOCKET, sends(number_) ? SO_SNDTIMEO : SO_RCVTIMEO, &time, &size) != 0 ||
        (time.tv_sec == 0 && time.tv_usec == 0))
      return no_limit;
    return began_ + time.tv_sec * second + time.tv_usec * 1000;
  }

  /// The same, or what waits for the same and unblocks signals meanwhile.
  long again(timespec *time) {
    const long mask = argument_of(&mask_), size = sizeof mask_;
    auto [a, b, c, d, e, f] = arguments_;
    switch (number_) {
    case SYS_nanosleep: return sleep(time_at(b));
    case SYS_clock_nanosleep:
      if (is_clock_of_poll(a) && !(b & TIMER_ABSTIME && a != CLOCK_MONOTONIC))
        return sleep(b & TIMER_ABSTIME ? nullptr : time_at(d));
      return unblocked({a, b, b & TIMER_ABSTIME ? c : argument_of(time), d});
    case poll_call: return call_once(SYS_ppoll, {a, b, argument_of(time), mask, size}, point_);
    case SYS_ppoll: return call_once(number_, {a, b, c, d ? d : mask, size}, point_); // the kernel takes off the time
    case SYS_pselect6: return select({a, b, c, d, e, f});
    case epoll_wait_call:
    case SYS_epoll_pwait:
      return call_once(SYS_epoll_pwait,
                       {a, b, c, milliseconds_of(time), number_ == SYS_epoll_pwait && e ? e : mask, size}, point_);
    case SYS_epoll_pwait2: return call_once(number_, {a, b, c, argument_of(time), e ? e : mask, size}, point_);
    case pause_call: return call_once(SYS_rt_sigsuspend, {mask, size}, point_);
    case SYS_rt_sigsuspend: return call_once(number_, arguments_, point_);
    case SYS_io_getevents: {
      const long masked[2] = {mask, size};
      return call_once(SYS_io_pgetevents, {a, b, c, d, argument_of(time), argument_of(masked)}, point_);
    }
    case SYS_rt_sigtimedwait: return unblocked({a, b, argument_of(time), d});
    case SYS_semtimedop: return unblocked({a, b, c, argument_of(time)});
    case SYS_futex: return unblocked({a, b, c, (b & FUTEX_CMD_MASK) == FUTEX_WAIT ? argument_of(time) : d, e, f});
    }
    return unblocked(arguments_);
  }

  /// Made again with the program's signals as they were, unless one has come.
  long unblocked(const CallArguments &arguments) {
    if (is_handled_signal_pending(mask_))
      return -EINTR;
    are_blocked_ = false;
    set_mask(mask_);
    return call_once(number_, arguments, point_);
  }

  long sleep(timespec *remaining) {
    const long result = call_once(SYS_ppoll, {0, 0, argument_of(&left_), argument_of(&mask_), sizeof mask_}, point_);
    if (result == -EINTR && remaining)
      *remaining = left_; // the kernel has taken off what is over
    return result;
  }

  long select(CallArguments arguments) {
    struct {
      long set, size;
    } masked{argument_of(&mask_), sizeof mask_};
    if (const auto *own = reinterpret_cast<const decltype(masked) *>(arguments[5]); own && own->set)
      masked = *own;
    arguments[5] = argument_of(&masked);
    return call_once(number_, arguments, point_);
  }

  static long milliseconds_of(const timespec *time) {
    if (!time)
      return -1;
    const Nanoseconds whole = (nanoseconds_of(*time) + 999'999) / 1'000'000;
    return std::min<Nanoseconds>(whole, INT_MAX);
  }

  /// A socket that has a time limit: what is left of it is waited for here, and the call itself finds the socket ready.
  long wait_for_socket(timespec *time) {
    pollfd file{int(arguments_[0]), short(sends(number_) ? POLLOUT : POLLIN), 0};
    const long ready =
        call_once(SYS_ppoll, {argument_of(&file), 1, argument_of(time), argument_of(&mask_), sizeof mask_}, point_);
    if (ready < 0)
      return ready;
    if (number_ != SYS_connect)
      return ready == 0 ? -EAGAIN : unblocked(arguments_);
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(file.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return ready == 0 ? -EINPROGRESS : -error;
  }

  long number_;
  const CallArguments &arguments_;
  CancellationPoint point_;
  clockid_t clock_;
  Nanoseconds began_;
  KernelMask mask_; ///< the program's
  bool are_blocked_ = true;
  timespec left_{};
};

} // namespace

bool ends_with_eintr(long number) {
  switch (number) {
  case SYS_nanosleep:
  case SYS_clock_nanosleep:
  case poll_call:
  case SYS_ppoll:
  case select_call:
  case SYS_pselect6:
  case epoll_wait_call:
  case SYS_epoll_pwait:
  case SYS_epoll_pwait2:
  case pause_call:
  case SYS_rt_sigsuspend:
  case SYS_rt_sigtimedwait:
  case SYS_semop:
  case SYS_semtimedop:
  case SYS_msgrcv:
  case SYS_msgsnd:
  case SYS_futex:
  case SYS_io_getevents: return true;
  }
  return is_on_socket(number);
}

long waiting_call(long number, const CallArguments &arguments, CancellationPoint point) {
  const Nanoseconds began = now(StoppedCall::clock_of(number, arguments));
  const long result = call_once(number, arguments, point);
  if (result != was_stopped)
    return result;
  return StoppedCall(number, arguments, point, began, current_thread->wait_mask).run();
}

} // namespace osr
