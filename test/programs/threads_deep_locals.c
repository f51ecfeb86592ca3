// Check that recursion in many threads with address-taken locals, VLAs and alloca keeps each thread's objects apart.
//
// Objects of replaceable frames live on a stack of their own for each thread. Threads lend each other addresses of
// their locals: the borrower writes there while the owner waits in the frame.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <alloca.h>
#include <string.h>

enum { workers = 6 };

typedef struct Link {
  struct Link *next;
  uint32_t *values;
  int count;
} Link;

static pthread_barrier_t lent, returned;
static uint32_t *loans[workers];

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t sum_links(const Link *link) {
  uint32_t sum = 0;
  for (; link; link = link->next)
    for (int i = 0; i < link->count; i++)
      sum = sum * 16777619u ^ link->values[i];
  return sum;
}

static uint32_t descend(int depth, uint32_t seed, Link *outer) {
  int count = 1 + (int)(seed % 13);
  uint32_t values[count];
  Link link = {outer, values, count};
  for (int i = 0; i < count; i++)
    values[i] = seed + (uint32_t)(i * depth);
  if (depth == 0)
    return sum_links(&link);
  if (depth % 5 == 0) {
    char *text = alloca((size_t)depth + 16);
    snprintf(text, (size_t)depth + 16, "%u", seed);
    seed += (uint32_t)strlen(text);
  }
  uint32_t below = descend(depth - 1, seed * 1664525u + 1013904223u, &link);
  return below ^ sum_links(&link);
}

static void lend(int id, uint32_t *place) {
  loans[id] = place;
  pthread_barrier_wait(&lent);
  *loans[(id + 1) % workers] += (uint32_t)id * 1000 + 1;
  pthread_barrier_wait(&returned);
}

static uint32_t lend_at_depth(int depth, int id) {
  uint32_t local[3] = {(uint32_t)depth, (uint32_t)id, 5};
  if (depth == 0)
    lend(id, &local[1]);
  else
    local[2] += lend_at_depth(depth - 1, id);
  return local[0] + local[1] * 3 + local[2] * 7;
}

static int rounds;

static void *work(void *argument) {
  int id = (int)(intptr_t)argument;
  uint32_t hash = 0;
  for (int i = 0; i < rounds; i++) {
    hash = hash * 31 + descend(20 + id, (uint32_t)(i * workers + id), NULL);
    hash = hash * 31 + lend_at_depth(5 + id, id);
  }
  return (void *)(uintptr_t)hash;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  rounds = 4 * scale * (1 + scale / 4);
  pthread_t threads[workers];
  pthread_barrier_init(&lent, NULL, workers);
  pthread_barrier_init(&returned, NULL, workers);
  for (intptr_t i = 0; i < workers; i++)
    pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < workers; i++) {
    void *hash;
    pthread_join(threads[i], &hash);
    printf("thread %d: %08x\n", i, (uint32_t)(uintptr_t)hash);
  }
  return 0;
}
