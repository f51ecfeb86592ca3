// Check that threads which compute in lock step between barriers (heat equation, prefix sums) survive replaced frames.
// cflags: -ffp-contract=off
//
// Values are live in the frames across pthread_barrier_wait; the bits of the result are printed.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { workers = 4, cells = 256 };

static pthread_barrier_t barrier;
static double heat[2][cells + 2];
static uint64_t sums[2][cells];
static int steps, serial_threads;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void meet(void) {
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
    __atomic_fetch_add(&serial_threads, 1, __ATOMIC_RELAXED);
}

static double conduct(int step, int low, int high) {
  const double *from = heat[step % 2];
  double *to = heat[1 - step % 2], change = 0;
  for (int i = low; i < high; i++) {
    to[i + 1] = from[i + 1] + 0.25 * (from[i] - 2 * from[i + 1] + from[i + 2]);
    change += to[i + 1] - from[i + 1];
  }
  return change;
}

static double conduct_all(int low, int high) {
  double total = 0, scale = 1;
  for (int step = 0; step < steps; step++) {
    double change = conduct(step, low, high);
    meet();
    total += change * scale;
    scale *= 0.999;
  }
  return total;
}

// One level of a prefix sum for each level of recursion, a barrier before and after.
static int scan(int distance, int low, int high, int from) {
  if (distance >= cells)
    return from;
  for (int i = low; i < high; i++)
    sums[1 - from][i] = sums[from][i] + (i >= distance ? sums[from][i - distance] : 0);
  meet();
  int result = scan(distance * 2, low, high, 1 - from);
  meet();
  return result;
}

static void *work(void *argument) {
  int id = (int)(intptr_t)argument, low = id * (cells / workers), high = low + cells / workers;
  double *result = malloc(sizeof *result);
  *result = conduct_all(low, high) + scan(1, low, high, 0);
  return result;
}

static uint64_t bits(double value) {
  uint64_t result;
  memcpy(&result, &value, sizeof result);
  return result;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  steps = 40 * scale * (1 + scale / 4);
  pthread_t threads[workers];
  pthread_barrier_init(&barrier, NULL, workers);
  for (int i = 0; i < cells; i++) {
    heat[0][i + 1] = i % 17 * 3.5;
    sums[0][i] = (uint64_t)i * 7 + 1;
  }
  for (intptr_t i = 0; i < workers; i++)
    pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < workers; i++) {
    void *result;
    pthread_join(threads[i], &result);
    printf("thread %d: %016llx\n", i, (unsigned long long)bits(*(double *)result));
    free(result);
  }
  uint64_t hash = 0;
  for (int i = 0; i < cells; i++)
    hash = hash * 1099511628211u + bits(heat[steps % 2][i + 1]) + sums[0][i] + sums[1][i];
  printf("%016llx, %d barriers\n", (unsigned long long)hash, serial_threads);
  return 0;
}
