// Check that signals sent to single threads (pthread_kill) are handled by program code on any stack of the program.
//
// One thread waits in sigwait, one in a blocking read, two recurse; each is sent a counted number of signals, the next
// one only after the one before was handled.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { recursing = 2 };

typedef struct {
  pthread_t thread;
  atomic_int started, handled, ending;
  uint32_t hash;
} Target;

static Target targets[recursing + 1]; // the last one reads
static _Thread_local Target *self;
static int pipe_ends[2];
static atomic_int waited_for;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t mix(uint32_t hash, uint32_t value) { return (hash << 5 | hash >> 27) ^ value * 2654435761u; }

static uint32_t descend(uint32_t depth) { return depth == 0 ? 1 : mix(descend(depth - 1), depth); }

static void handle(int number) {
  int saved = errno;
  self->hash = mix(self->hash, descend(5) + (uint32_t)number);
  errno = saved;
  atomic_fetch_add(&self->handled, 1);
}

static uint32_t recurse(int depth) {
  uint32_t local[4] = {(uint32_t)depth, (uint32_t)depth * 3, 7, 11}, sum = 0;
  if (depth > 0)
    sum = recurse(depth - 1);
  for (int i = 0; i < 4; i++)
    sum = mix(sum, local[i]);
  return sum;
}

static void *run_recursion(void *argument) {
  self = argument;
  atomic_store(&self->started, 1);
  uint32_t expected = recurse(30);
  while (!atomic_load(&self->ending)) {
    if (recurse(30) != expected)
      abort();
    sched_yield();
  }
  return NULL;
}

static int read_byte(void) {
  char byte;
  ssize_t got = read(pipe_ends[0], &byte, 1);
  return got == 1 ? byte : -errno;
}

static void *run_reader(void *argument) {
  self = argument;
  atomic_store(&self->started, 1);
  return (void *)(intptr_t)read_byte(); // SA_RESTART: handled signals do not end it
}

static void *run_waiter(void *argument) {
  sigset_t *set = argument;
  for (int number = 0; sigwait(set, &number) == 0 && number != SIGTERM;)
    atomic_fetch_add(&waited_for, (int)(descend(3) % 9 + 1));
  return NULL;
}

static void send(Target *target, int number) {
  int before = atomic_load(&target->handled);
  while (!atomic_load(&target->started))
    sched_yield();
  pthread_kill(target->thread, number);
  while (atomic_load(&target->handled) == before)
    sched_yield();
}

static void send_to_waiter(pthread_t waiter) {
  int before = atomic_load(&waited_for);
  pthread_kill(waiter, SIGALRM);
  while (atomic_load(&waited_for) == before)
    sched_yield();
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv), rounds = 8 * scale * (1 + scale / 4);
  struct sigaction action;
  sigset_t waited;
  pthread_t waiter;
  void *result;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGUSR2, &action, NULL);
  sigemptyset(&waited);
  sigaddset(&waited, SIGALRM);
  sigaddset(&waited, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &waited, NULL);
  if (pipe(pipe_ends) != 0)
    return 2;
  pthread_create(&waiter, NULL, run_waiter, &waited);
  for (int i = 0; i <= recursing; i++)
    pthread_create(&targets[i].thread, NULL, i < recursing ? run_recursion : run_reader, &targets[i]);
  for (int i = 0; i < rounds; i++) {
    send(&targets[i % (recursing + 1)], i % 5 ? SIGUSR1 : SIGUSR2);
    if (i % 4 == 0)
      send_to_waiter(waiter);
  }
  pthread_kill(waiter, SIGTERM);
  pthread_join(waiter, NULL);
  if (write(pipe_ends[1], "x", 1) != 1)
    return 3;
  for (int i = 0; i <= recursing; i++) {
    atomic_store(&targets[i].ending, 1);
    pthread_join(targets[i].thread, &result);
    printf("thread %d handled %d, hash %08x\n", i, targets[i].handled, targets[i].hash);
  }
  printf("read %c, waited for %d\n", (int)(intptr_t)result, waited_for);
  return 0;
}
