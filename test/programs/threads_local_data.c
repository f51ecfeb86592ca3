// Check that _Thread_local variables and destructors of thread-specific data run program code in every thread.
//
// Destructors set their keys again, so they run in several rounds, and recurse; the thread has left its start function
// by then, in half of the threads by pthread_exit from a depth.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>

enum { keys = 3 };

typedef struct {
  int rounds_left;
  uint32_t value;
} Data;

static _Thread_local uint32_t counter;
static _Thread_local uint32_t table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static _Thread_local uint32_t *pointer = NULL;
static pthread_key_t key[keys];
static atomic_uint destroyed, destructor_sum;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t ackermann(uint32_t m, uint32_t n) {
  return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static void destroy(void *argument) {
  Data *data = argument;
  atomic_fetch_add(&destructor_sum, ackermann(2, data->value % 4) + counter);
  if (data->rounds_left-- > 0) {
    pthread_setspecific(key[data->value % keys], data);
    return;
  }
  atomic_fetch_add(&destroyed, 1);
  free(data);
}

static void attach(int number, uint32_t value) {
  Data *data = malloc(sizeof *data);
  *data = (Data){number % 3, value * keys + (uint32_t)number};
  pthread_setspecific(key[number], data);
}

static uint32_t count_up(uint32_t depth) {
  counter++;
  table[depth % 8] += depth;
  uint32_t below = depth == 0 ? *pointer : count_up(depth - 1);
  return below * 31 + table[depth % 8] + counter;
}

static _Noreturn void leave(uint32_t depth, uint32_t result) {
  volatile uint32_t kept = result;
  if (depth > 0)
    leave(depth - 1, result);
  pthread_exit((void *)(uintptr_t)kept);
}

static void *work(void *argument) {
  uint32_t id = (uint32_t)(uintptr_t)argument;
  pointer = &table[id % 8];
  for (int i = 0; i < keys; i++)
    attach(i, id);
  uint32_t result = 0;
  for (uint32_t i = 0; i < 5; i++)
    result = result * 17 + count_up(10 + i);
  if (id % 2)
    leave(20, result);
  return (void *)(uintptr_t)result;
}

int main(int argc, char **argv) {
  int rounds = 8 * read_scale(argc, argv);
  uint32_t fingerprint = 0;
  for (int i = 0; i < keys; i++)
    pthread_key_create(&key[i], destroy);
  for (int round = 0; round < rounds; round++) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
      pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(round * 4 + i));
    for (int i = 0; i < 4; i++) {
      void *result;
      pthread_join(threads[i], &result);
      fingerprint = fingerprint * 31 + (uint32_t)(uintptr_t)result;
    }
  }
  printf("fingerprint %08x, destroyed %u, sum %u, main's counter %u\n", fingerprint, destroyed, destructor_sum,
         counter);
  return 0;
}
