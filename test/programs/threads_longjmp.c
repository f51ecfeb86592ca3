// Check that setjmp/longjmp in several threads at once drops replaced frames in each of them without harm.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <setjmp.h>

enum { workers = 4 };

typedef struct Handler {
  jmp_buf place;
  struct Handler *outer;
  uint32_t thrown;
} Handler;

static _Thread_local Handler *handler;
static _Thread_local uint32_t frames_entered;
static int rounds;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static _Noreturn void throw_value(uint32_t value) {
  handler->thrown = value;
  longjmp(handler->place, 1);
}

static uint32_t search(uint32_t depth, uint32_t seed) {
  uint32_t local[2] = {seed, depth};
  frames_entered++;
  if (seed % 97 == 0)
    sched_yield();
  if (depth == 0)
    throw_value(seed ^ local[1]);
  return search(depth - 1, seed * 1664525u + 1013904223u) + local[0];
}

static uint32_t catch_value(uint32_t depth, uint32_t seed) {
  Handler mine;
  mine.outer = handler;
  handler = &mine;
  if (setjmp(mine.place) == 0)
    search(depth, seed);
  handler = mine.outer;
  return mine.thrown;
}

// Catches at every level and throws on from every second one.
static uint32_t nest(uint32_t level, uint32_t seed) {
  uint32_t here = catch_value(5 + level * 3, seed);
  if (level == 0)
    return here;
  return here * 31 + nest(level - 1, here);
}

static uint32_t rethrow(uint32_t level, uint32_t seed) {
  if (level == 0)
    throw_value(nest(2, seed));
  return rethrow(level - 1, seed + 1) + level;
}

static uint32_t catch_rethrown(uint32_t seed) {
  Handler mine;
  mine.outer = handler;
  handler = &mine;
  if (setjmp(mine.place) == 0)
    rethrow(10, seed);
  handler = mine.outer;
  return mine.thrown;
}

static void *work(void *argument) {
  uint32_t hash = (uint32_t)(uintptr_t)argument;
  for (int i = 0; i < rounds; i++)
    hash = hash * 16777619u ^ nest(5, hash) ^ catch_rethrown(hash);
  return (void *)(uintptr_t)(hash + frames_entered);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  rounds = 15 * scale * (1 + scale / 4);
  pthread_t threads[workers];
  for (uintptr_t i = 0; i < workers; i++)
    pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < workers; i++) {
    void *hash;
    pthread_join(threads[i], &hash);
    printf("thread %d: %08x\n", i, (uint32_t)(uintptr_t)hash);
  }
  return 0;
}
