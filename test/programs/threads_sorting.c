// Check that qsort and bsearch callbacks in several threads at once survive replaced frames on both sides of libc.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { workers = 4, most = 300 };

static _Thread_local uint64_t comparisons;
static int rounds;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t digit_sum(uint32_t value) { return value == 0 ? 0 : value % 10 + digit_sum(value / 10); }

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int by_digits(const void *a, const void *b) {
  uint32_t x = digit_sum(*(const uint32_t *)a), y = digit_sum(*(const uint32_t *)b);
  comparisons++;
  return x == y ? by_value(a, b) : x < y ? -1 : 1;
}

static int by_sign(const void *a, const void *b, void *sign) { return *(int *)sign * by_digits(a, b); }

typedef struct {
  uint32_t values[8];
  int count;
} Group;

// Sorts within the comparison.
static int by_median(const void *a, const void *b) {
  Group x = *(const Group *)a, y = *(const Group *)b;
  qsort(x.values, (size_t)x.count, sizeof *x.values, by_value);
  qsort(y.values, (size_t)y.count, sizeof *y.values, by_value);
  return by_value(&x.values[x.count / 2], &y.values[y.count / 2]);
}

static uint32_t sort_groups(uint32_t seed) {
  Group groups[12];
  for (int g = 0; g < 12; g++) {
    groups[g].count = 3 + g % 6;
    for (int i = 0; i < groups[g].count; i++)
      groups[g].values[i] = (seed = seed * 1664525u + 1013904223u) >> 8;
  }
  qsort(groups, 12, sizeof *groups, by_median);
  uint32_t hash = 0;
  for (int g = 0; g < 12; g++)
    hash = hash * 31 + groups[g].values[0];
  return hash;
}

static uint32_t sort_once(uint32_t seed, int count) {
  uint32_t values[most], hash = 0;
  int sign = seed % 2 ? 1 : -1;
  for (int i = 0; i < count; i++)
    values[i] = (seed = seed * 1664525u + 1013904223u) >> 16;
  uint32_t wanted = values[count / 2];
  qsort_r(values, (size_t)count, sizeof *values, by_sign, &sign);
  for (int i = 0; i < count; i++)
    hash = hash * 31 + values[i];
  qsort(values, (size_t)count, sizeof *values, by_digits);
  uint32_t *found = bsearch(&wanted, values, (size_t)count, sizeof *values, by_digits);
  return found && *found == wanted ? hash : 0;
}

static void *work(void *argument) {
  uint32_t hash = (uint32_t)(uintptr_t)argument;
  for (int i = 0; i < rounds; i++)
    hash = sort_groups(hash) ^ sort_once(hash, 20 + i % 30 * 9);
  return (void *)(uintptr_t)(hash * 31 + (uint32_t)(comparisons > 0));
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  rounds = 2 * scale * (1 + scale / 4);
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
