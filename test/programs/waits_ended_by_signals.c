// Check that a signal of the program ends its waits, also when threads are stopped at the same time: EINTR, the handler
// has run, the mask is as before, and what has no time limit does not wait for ever.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
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
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_int done, handled;
static int pipe_ends[2], epoll, semaphores, queue;

static void on_signal(int number) { handled += number == SIGALRM; }

static int forever_pause(void) { return pause(); }
static int forever_poll(void) { struct pollfd f = {pipe_ends[0], POLLIN, 0}; return poll(&f, 1, -1); }
static int forever_select(void) { fd_set s; FD_ZERO(&s); FD_SET(pipe_ends[0], &s); return select(pipe_ends[0] + 1, &s, NULL, NULL, NULL); }
static int forever_epoll(void) { struct epoll_event e; return epoll_wait(epoll, &e, 1, -1); }
static int forever_read(void) { char b; return (int)read(pipe_ends[0], &b, 1); }
static int forever_semop(void) { struct sembuf o = {0, -1, 0}; return semop(semaphores, &o, 1); }
static int forever_msgrcv(void) { long message[4]; return (int)msgrcv(queue, message, 4, 0, 0); }
static int long_sleep(void) {
  struct timespec t = {100, 0}, rest = {0, 0};
  int result = nanosleep(&t, &rest);
  return rest.tv_sec >= 90 ? result : 5;
}
static int masked_suspend(void) {
  sigset_t alarm, before;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, &before);
  int result = sigsuspend(&before);
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return result;
}
static int masked_poll(void) {
  sigset_t alarm, before;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, &before);
  int result = ppoll(NULL, 0, NULL, &before);
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return result;
}

static const struct {
  const char *name;
  int (*wait)(void);
} waits[] = {{"pause", forever_pause}, {"poll", forever_poll},   {"select", forever_select},     {"epoll_wait", forever_epoll},
             {"read", forever_read},   {"semop", forever_semop}, {"msgrcv", forever_msgrcv},     {"nanosleep", long_sleep},
             {"sigsuspend", masked_suspend}, {"ppoll", masked_poll}};

static unsigned busy(unsigned n) { return n < 2 ? n : busy(n - 1) + busy(n - 2); }

static void *keep_busy(void *unused) {
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, NULL); // signals are for main
  while (!done)
    if (busy(12) != 144)
      abort();
  return unused;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal}; // no SA_RESTART
  sigaction(SIGALRM, &action, NULL);
  epoll = epoll_create1(0);
  semaphores = semget(IPC_PRIVATE, 1, 0600);
  queue = msgget(IPC_PRIVATE, 0600);
  if (pipe(pipe_ends))
    return 9;
  sigset_t alarm, old;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, &old); // so that the new thread never has it
  pthread_t worker;
  pthread_create(&worker, NULL, keep_busy, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  struct itimerval often = {{0, 6000}, {0, 6000}}, never = {{0, 0}, {0, 0}};
  for (int round = 0; round < 2; ++round)
    for (unsigned i = 0; i < sizeof waits / sizeof *waits; ++i) {
      setitimer(ITIMER_REAL, &often, NULL);
      int before = handled;
      errno = 0;
      int result = waits[i].wait();
      int error = errno;
      setitimer(ITIMER_REAL, &never, NULL);
      sigset_t now;
      pthread_sigmask(SIG_SETMASK, NULL, &now);
      printf("%s: %d, %s, %s%s\n", waits[i].name, result, strerror(error), handled > before ? "handled" : "not handled",
             sigismember(&now, SIGALRM) || sigismember(&now, SIGUSR1) ? ", blocked" : "");
    }
  semctl(semaphores, 0, IPC_RMID);
  msgctl(queue, IPC_RMID, NULL);
  done = 1;
  pthread_join(worker, NULL);
  return 0;
}
