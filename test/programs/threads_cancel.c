// Check that pthread_exit and pthread_cancel from a depth end a thread whose frames may have been replaced.
//
// Cancelled threads wait in read, in pthread_cond_wait, or recurse and test for cancellation at the bottom; clean-up
// handlers give back what the frames held.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { kinds = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static int silent_pipe[2];
static atomic_int cleaned, started, survived;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void count_cleaning(void *argument) { atomic_fetch_add(&cleaned, *(int *)argument); }
static void unlock(void *argument) { pthread_mutex_unlock(argument); }

static int mix(int a, int b) { return (int)((uint32_t)a * 31u + (uint32_t)b); }

static void block_in_read(void) {
  char byte;
  atomic_fetch_add(&started, 1);
  while (read(silent_pipe[0], &byte, 1) != 1)
    ;
  atomic_fetch_add(&survived, 1);
}

static void block_in_wait(void) {
  pthread_mutex_lock(&lock);
  pthread_cleanup_push(unlock, &lock);
  atomic_fetch_add(&started, 1);
  for (;;)
    pthread_cond_wait(&never, &lock);
  pthread_cleanup_pop(1);
}

static int spin(int depth) {
  if (depth == 0) {
    pthread_testcancel();
    return 1;
  }
  return mix(spin(depth - 1), depth);
}

static void block_in_recursion(void) {
  atomic_fetch_add(&started, 1);
  for (int expected = spin(10);;)
    if (sched_yield() != 0 || spin(10) != expected)
      atomic_fetch_add(&survived, 1);
}

static void leave(void) {
  atomic_fetch_add(&started, 1);
  pthread_exit(&started);
}

static void (*const endings[kinds])(void) = {block_in_read, block_in_wait, block_in_recursion, leave};

// Every third level has a clean-up handler.
static int descend(int depth, int kind) {
  int weight = depth + 1, result;
  if (depth == 0) {
    endings[kind]();
    return 0;
  }
  if (depth % 3 == 0) {
    pthread_cleanup_push(count_cleaning, &weight);
    result = mix(descend(depth - 1, kind), depth);
    pthread_cleanup_pop(0);
  } else {
    result = mix(descend(depth - 1, kind), depth);
  }
  return result;
}

static void *work(void *argument) {
  int number = (int)(intptr_t)argument;
  return (void *)(intptr_t)descend(12 + number % 7, number % kinds);
}

int main(int argc, char **argv) {
  int rounds = 6 * read_scale(argc, argv), cancelled = 0, left = 0;
  if (pipe(silent_pipe) != 0)
    return 2;
  for (int round = 0; round < rounds; round++) {
    pthread_t threads[kinds];
    atomic_store(&started, 0);
    for (int i = 0; i < kinds; i++)
      pthread_create(&threads[i], NULL, work, (void *)(intptr_t)(round * kinds + i));
    while (atomic_load(&started) < kinds)
      usleep(50);
    for (int i = 0; i < kinds - 1; i++)
      pthread_cancel(threads[i]);
    for (int i = 0; i < kinds; i++) {
      void *result;
      pthread_join(threads[i], &result);
      cancelled += result == PTHREAD_CANCELED;
      left += result == &started;
    }
  }
  printf("%d cancelled, %d left, cleaned %d, %d survived\n", cancelled, left, cleaned, survived);
  return 0;
}
