// Check that system calls with pointers to nothing, to memory that cannot be read or written, and that ends in mid-structure
// answer as the kernel does, through the C library and by number.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };
static char *page; // the one behind it cannot be touched
static int epoll;
static const struct timespec soon = {0, 1000};

static long clone3_of(void *p) {
  const long child = syscall(SYS_clone3, p, sizeof(struct clone_args));
  if (child == 0)
    _exit(0);
  if (child > 0)
    waitpid((pid_t)child, NULL, 0);
  return child > 0 ? 1 : child;
}
static long ppoll_of(void *p) { struct pollfd f = {-1, 0, 0}; return ppoll(&f, 1, &soon, p); }
static long pselect_of(void *p) { return pselect(0, NULL, NULL, NULL, &soon, p); }
static long epoll_of(void *p) { struct epoll_event e; return epoll_pwait(epoll, &e, 1, 1, p); }
static long sigsuspend_of(void *p) { return sigsuspend(p); }
static long sigwait_of(void *p) { int n; errno = 0; return sigwait(p, &n); }
static long sigtimedwait_of(void *p) { return sigtimedwait(p, NULL, &soon); }
static long signalfd_of(void *p) { const int f = signalfd(-1, p, 0); if (f >= 0) close(f); return f >= 0 ? 1 : f; }
static long nanosleep_of(void *p) { return nanosleep(p, NULL); }
static long clock_nanosleep_of(void *p) { errno = 0; return clock_nanosleep(CLOCK_MONOTONIC, 0, p, NULL); }
static long execve_of(void *p) { return execve(p, p, p); }
static long poll_of(void *p) { return poll(p, 1, 0); }
static long raw_futex(void *p) { return syscall(SYS_futex, p, 0, 0, &soon); }
static long raw_sigprocmask(void *p) { return syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8); }
static long raw_execve(void *p) { return syscall(SYS_execve, "/nothing", p, p); }
static long raw_nanosleep(void *p) { return syscall(SYS_nanosleep, p, NULL); }
static long raw_select(void *p) { return syscall(SYS_pselect6, 0, NULL, NULL, NULL, &soon, p); }

static const struct { const char *name; long (*call)(void *); int may_block; } calls[] = {
  {"clone3", clone3_of}, {"ppoll", ppoll_of}, {"pselect", pselect_of}, {"epoll_pwait", epoll_of}, {"sigsuspend", sigsuspend_of, 1},
  {"sigwait", sigwait_of, 1}, {"sigtimedwait", sigtimedwait_of}, {"signalfd", signalfd_of}, {"nanosleep", nanosleep_of},
  {"clock_nanosleep", clock_nanosleep_of}, {"execve", execve_of}, {"poll", poll_of}, {"futex", raw_futex},
  {"rt_sigprocmask", raw_sigprocmask}, {"execve by number", raw_execve}, {"nanosleep by number", raw_nanosleep}, {"pselect6", raw_select}};

int main(void) {
  page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page + PAGE, PAGE, PROT_NONE);
  epoll = epoll_create1(0);
  static const struct clone_args constant = {.exit_signal = SIGCHLD, .flags = CLONE_VFORK};
  printf("a constant vfork: %ld\n", clone3_of((void *)&constant));
  void *const pointers[] = {(void *)8, (void *)-4096L, (void *)0x7ffffffff000, (void *)0xdead000000000000, page + PAGE, page + PAGE - 4};
  static const char *const names[] = {"near null", "an error's number", "kernel's edge", "not canonical", "forbidden", "ends in the middle"};
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; ++i)
    for (unsigned p = 0; p < sizeof pointers / sizeof *pointers; ++p) {
      errno = 0;
      const long result = calls[i].call(pointers[p]);
      printf("%s, %s: %ld %s\n", calls[i].name, names[p], result, strerror(errno));
    }
}
