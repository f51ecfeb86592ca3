// Check that waits last as long as they say, however often threads are stopped meanwhile: no EINTR where no signal comes.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { wait_ms = 12 };

static atomic_int done;
static int pipe_ends[2], pair[2], listener, epoll, semaphores, queue;
static sem_t semaphore;
static unsigned word = 5;

static long now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct timespec length(void) { return (struct timespec){0, wait_ms * 1000000}; }

static struct timespec end(clockid_t clock) {
  long at = now_ns(clock) + wait_ms * 1000000;
  return (struct timespec){at / 1000000000, at % 1000000000};
}

static int wait_nanosleep(void) { struct timespec t = length(), rest = {7, 7}; return nanosleep(&t, &rest) + (rest.tv_sec != 7); }
static int wait_clock(void) { struct timespec t = length(); return clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL); }
static int wait_until(void) { struct timespec t = end(CLOCK_MONOTONIC); return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL); }
static int wait_real(void) { struct timespec t = end(CLOCK_REALTIME); return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL); }
static int wait_usleep(void) { return usleep(wait_ms * 1000); }
static int wait_thrd(void) { struct timespec t = length(); return thrd_sleep(&t, NULL); }
static int wait_poll(void) { struct pollfd f = {pipe_ends[0], POLLIN, 0}; return poll(&f, 1, wait_ms); }
static int wait_ppoll(void) { struct pollfd f = {pipe_ends[0], POLLIN, 0}; struct timespec t = length(); sigset_t s; sigemptyset(&s); return ppoll(&f, 1, &t, &s) + (t.tv_nsec != wait_ms * 1000000); }
static int wait_select(void) { fd_set s; FD_ZERO(&s); FD_SET(pipe_ends[0], &s); struct timeval t = {0, wait_ms * 1000}; return select(pipe_ends[0] + 1, &s, NULL, NULL, &t) + (t.tv_sec || t.tv_usec); }
static int wait_pselect(void) { struct timespec t = length(); return pselect(0, NULL, NULL, NULL, &t, NULL); }
static int wait_epoll(void) { struct epoll_event e; return epoll_wait(epoll, &e, 1, wait_ms); }
static int wait_epoll_mask(void) { struct epoll_event e; sigset_t s; sigfillset(&s); return epoll_pwait(epoll, &e, 1, wait_ms, &s); }
static int wait_semaphore(void) { struct timespec t = end(CLOCK_REALTIME); return sem_timedwait(&semaphore, &t); }
static int wait_semop(void) { struct sembuf o = {0, -1, 0}; struct timespec t = length(); return semtimedop(semaphores, &o, 1, &t); }
static int wait_futex(void) { struct timespec t = length(); return (int)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 5, &t, NULL, 0); }
static int wait_signal(void) { sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); struct timespec t = length(); return sigtimedwait(&s, NULL, &t); }
static int wait_recv(void) { char b[4]; return (int)recv(pair[0], b, 4, 0); }
static int wait_read(void) { char b[4]; return (int)read(pair[0], b, 4); }
static int wait_accept(void) { return accept(listener, NULL, NULL); }

static const struct {
  const char *name;
  int (*wait)(void);
  clockid_t clock;
} waits[] = {
    {"nanosleep", wait_nanosleep},   {"clock_nanosleep", wait_clock},  {"until", wait_until},
    {"real", wait_real, CLOCK_REALTIME}, {"usleep", wait_usleep},      {"thrd_sleep", wait_thrd},
    {"poll", wait_poll},             {"ppoll", wait_ppoll},            {"select", wait_select},
    {"pselect", wait_pselect},       {"epoll_wait", wait_epoll},       {"epoll_pwait", wait_epoll_mask},
    {"sem_timedwait", wait_semaphore, CLOCK_REALTIME}, {"semtimedop", wait_semop}, {"futex", wait_futex},
    {"sigtimedwait", wait_signal},   {"recv", wait_recv},              {"read", wait_read},
    {"accept", wait_accept},
};

static unsigned busy(unsigned n) { return n < 2 ? n : busy(n - 1) + busy(n - 2); }

static void *keep_busy(void *unused) {
  unsigned sum = 0;
  while (!done)
    sum += busy(12);
  return unused ? &word : (void *)(size_t)(sum == 1); // always null: sums of 144 are even
}

// Waits without a limit, which another thread ends.
static void *send_later(void *unused) {
  struct timespec t = length();
  nanosleep(&t, NULL);
  struct { long type; char text[4]; } message = {3, "abc"};
  msgsnd(queue, &message, 4, 0);
  nanosleep(&t, NULL);
  struct sembuf raise = {0, 1, 0};
  semop(semaphores, &raise, 1);
  return unused;
}

static void *read_slowly(void *unused) {
  char bytes[4096];
  long sum = 0, size;
  while ((size = read(pipe_ends[0], bytes, sizeof bytes)) > 0) {
    sum += size;
    if (sum % 65536 < 4096)
      usleep(500);
  }
  printf("%ld bytes came\n", sum);
  return unused;
}

static void set_up(void) {
  struct timeval limit = {0, wait_ms * 1000};
  struct sockaddr_in any = {.sin_family = AF_INET};
  epoll = epoll_create1(0);
  sem_init(&semaphore, 0, 0);
  semaphores = semget(IPC_PRIVATE, 1, 0600);
  queue = msgget(IPC_PRIVATE, 0600);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (pipe(pipe_ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || bind(listener, (void *)&any, sizeof any) || listen(listener, 1))
    exit(9);
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

int main(void) {
  set_up();
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &blocked, NULL);
  pthread_t worker, other;
  pthread_create(&worker, NULL, keep_busy, NULL);
  for (unsigned i = 0; i < sizeof waits / sizeof *waits; ++i) {
    clockid_t clock = waits[i].clock == CLOCK_REALTIME && waits[i].wait != wait_real && waits[i].wait != wait_semaphore ? CLOCK_MONOTONIC : waits[i].clock;
    long before = now_ns(clock);
    errno = 0;
    int result = waits[i].wait();
    int error = errno;
    long waited = now_ns(clock) - before;
    printf("%s: %d, %s, %s\n", waits[i].name, result, strerror(error), waited >= (wait_ms - 4) * 1000000L ? "as long as it should" : "too short");
  }
  struct { long type; char text[4]; } message = {0};
  struct sembuf lower = {0, -1, 0};
  pthread_create(&other, NULL, send_later, NULL);
  ssize_t size = msgrcv(queue, &message, 4, 0, 0);
  printf("%zd %s\n", size, message.text);
  printf("%d\n", semop(semaphores, &lower, 1));
  pthread_join(other, NULL);
  pthread_create(&other, NULL, read_slowly, NULL);
  char *bytes = calloc(1, 1 << 20);
  printf("%zd written at once\n", write(pipe_ends[1], bytes, 1 << 20));
  close(pipe_ends[1]);
  pthread_join(other, NULL);
  semctl(semaphores, 0, IPC_RMID);
  msgctl(queue, IPC_RMID, NULL);
  done = 1;
  pthread_join(worker, NULL);
  return 0;
}
