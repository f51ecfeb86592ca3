// A generic sort and search that compare by a function pointer.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*compare)(const void *, const void *);

__attribute__((noinline)) static void heap_sort(uint32_t *values, size_t count, compare order) {
  for (size_t end = count / 2; end-- > 0;)
    for (size_t root = end, child; (child = 2 * root + 1) < count; root = child) {
      if (child + 1 < count && order(&values[child], &values[child + 1]) < 0)
        child++;
      if (order(&values[root], &values[child]) >= 0)
        break;
      uint32_t kept = values[root];
      values[root] = values[child], values[child] = kept;
    }
  for (size_t end = count; end-- > 1;) {
    uint32_t kept = values[0];
    values[0] = values[end], values[end] = kept;
    for (size_t root = 0, child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && order(&values[child], &values[child + 1]) < 0)
        child++;
      if (order(&values[root], &values[child]) >= 0)
        break;
      kept = values[root];
      values[root] = values[child], values[child] = kept;
    }
  }
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}
static int by_low_bits(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a & 0xffff, y = *(const uint32_t *)b & 0xffff;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  static uint32_t values[20000];
  uint32_t seed = 1, sum = 0;
  compare order = scale == -1 ? by_low_bits : ascending;
  for (int round = 0; round < scale; round++) {
    for (size_t i = 0; i < 20000; i++)
      values[i] = seed = seed * 1664525 + 1013904223;
    heap_sort(values, 20000, order);
    for (size_t i = 0; i < 20000; i++)
      sum = sum * 31 + values[i];
  }
  printf("%u\n", sum);
  return 0;
}
