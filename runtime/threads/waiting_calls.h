// The C library's functions that wait and return EINTR after any handler, as the program gets them (waiting_call.h).
#pragma once

#include "runtime/code/code_session.h"

#include <csignal>
#include <cstddef>
#include <ctime>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's.
std::vector<AbsoluteSymbol> waiting_call_symbols();

/// Those of them that shared libraries get too, from executables that export them (interposed_calls.cpp).
namespace waiting {
int nanosleep(const timespec *time, timespec *remaining);
int clock_nanosleep(clockid_t clock, int flags, const timespec *time, timespec *remaining);
int usleep(useconds_t microseconds);
unsigned sleep(unsigned seconds);
int poll(pollfd *files, nfds_t count, int milliseconds);
int ppoll(pollfd *files, nfds_t count, const timespec *time, const sigset_t *mask);
int select(int count, fd_set *reads, fd_set *writes, fd_set *others, timeval *time);
int pselect(int count, fd_set *reads, fd_set *writes, fd_set *others, const timespec *time, const sigset_t *mask);
int epoll_wait(int epoll, epoll_event *events, int count, int milliseconds);
int epoll_pwait(int epoll, epoll_event *events, int count, int milliseconds, const sigset_t *mask);
int epoll_pwait2(int epoll, epoll_event *events, int count, const timespec *time, const sigset_t *mask);
int pause();
int sigsuspend(const sigset_t *mask);
int sem_timedwait(sem_t *semaphore, const timespec *time);
int sem_clockwait(sem_t *semaphore, clockid_t clock, const timespec *time);
} // namespace waiting

} // namespace osr
