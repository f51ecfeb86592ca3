// Check that threads that block every signal, for ever or for a while, behave the same; they can still be stopped.
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale > 100 ? 100 : scale;
}

static sigset_t every_signal;
static atomic_int handled, ready;
static int pipe_ends[2];

__attribute__((noinline)) static uint32_t mix(uint32_t hash, uint32_t value) { return (hash ^ value) * 16777619u; }

__attribute__((noinline)) static uint32_t recurse(int depth, uint32_t hash) {
  return depth == 0 ? hash : mix(recurse(depth - 1, mix(hash, (uint32_t)depth)), 7);
}

static void handle(int number) { // runs with everything blocked: sa_mask is full
  atomic_fetch_add(&handled, (int)(recurse(20, (uint32_t)number) != 0));
}

static void *run_masked(void *argument) {
  int rounds = *(int *)argument;
  uint32_t hash = 1;
  pthread_sigmask(SIG_BLOCK, &every_signal, NULL);
  for (int i = 0; i < rounds; i++)
    hash = recurse(25, hash);
  return (void *)(uintptr_t)hash;
}

static void *run_sections(void *argument) {
  int rounds = *(int *)argument;
  uint32_t hash = 2;
  for (int i = 0; i < rounds; i++) {
    sigset_t old;
    pthread_sigmask(SIG_SETMASK, &every_signal, &old);
    hash = recurse(25, hash);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    raise(SIGUSR1);
  }
  return (void *)(uintptr_t)hash;
}

static void *run_waiter(void *argument) {
  uint32_t hash = 3;
  (void)argument;
  atomic_fetch_add(&ready, 1);
  for (int number = 0; sigwait(&every_signal, &number) == 0 && number != SIGTERM;) {
    hash = recurse(10, mix(hash, (uint32_t)number));
    if (write(pipe_ends[1], "a", 1) != 1) // one at a time: signals of the same number do not queue
      abort();
  }
  return (void *)(uintptr_t)hash;
}

static void *run_poller(void *argument) {
  int rounds = *(int *)argument;
  uint32_t hash = 4;
  for (int i = 0; i < rounds; i++) {
    struct pollfd nothing = {-1, 0, 0};
    struct timespec moment = {0, 1000};
    hash = recurse(25, hash);
    while (ppoll(&nothing, 1, &moment, &every_signal) != 0) // a request may end it early, as any handled signal
      hash = recurse(0, hash);
    while (pselect(0, NULL, NULL, NULL, &moment, &every_signal) != 0)
      hash = recurse(0, hash);
  }
  return (void *)(uintptr_t)hash;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv), rounds = scale * 100;
  struct sigaction action;
  pthread_t threads[3], waiter;
  void *(*bodies[3])(void *) = {run_masked, run_sections, run_poller};
  void *result;
  char byte;
  sigfillset(&every_signal);
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  sigfillset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  if (sigaction(SIGUSR1, &action, NULL) != 0 || pipe(pipe_ends) != 0)
    return 2;
  for (int i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, bodies[i], &rounds);
  sigprocmask(SIG_BLOCK, &every_signal, NULL);
  pthread_create(&waiter, NULL, run_waiter, NULL);
  for (int i = 0; i < rounds / 10; i++) {
    pthread_kill(waiter, i % 2 ? SIGUSR2 : SIGALRM);
    if (read(pipe_ends[0], &byte, 1) != 1)
      return 3;
  }
  pthread_kill(waiter, SIGTERM);
  pthread_join(waiter, &result);
  printf("waiter %08x\n", (unsigned)(uintptr_t)result);
  for (int i = 0; i < 3; i++) {
    pthread_join(threads[i], &result);
    printf("thread %d %08x\n", i, (unsigned)(uintptr_t)result);
  }
  printf("handled %d\n", atomic_load(&handled));
  return 0;
}
