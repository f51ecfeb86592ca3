// Check that functions whose assembly has numbered labels, the same numbers in each, jump to their own.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned highest_bit(uint64_t x) {
  unsigned bits = 0;
  __asm__ volatile("testq %1, %1\n\tjz 2f\n1:\tincl %0\n\tshrq %1\n\tjnz 1b\n2:" : "+r"(bits), "+r"(x) : : "cc");
  return bits;
}

static uint64_t multiply(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  __asm__ volatile(
      "1:\ttestq %2, %2\n\tjz 3f\n\ttestb $1, %b2\n\tjz 2f\n\taddq %1, %0\n2:\taddq %1, %1\n\tshrq %2\n\tjmp 1b\n3:"
      : "+r"(sum), "+r"(a), "+r"(b)
      :
      : "cc");
  return sum;
}

static int compare(const char *a, const char *b) {
  int result;
  __asm__ volatile(
      "1:\tmovzbl (%1), %0\n\tcmpb (%2), %b0\n\tjne 2f\n\ttestl %0, %0\n\tjz 3f\n\tincq %1\n\tincq %2\n\tjmp 1b\n"
      "2:\tsbbl %0, %0\n\torl $1, %0\n3:"
      : "=&r"(result), "+r"(a), "+r"(b)
      :
      : "cc", "memory");
  return result;
}

/// In several copies, in whoever calls it.
static inline __attribute__((always_inline)) uint32_t locked_add(uint32_t *word, uint32_t change) {
  uint32_t old, sum;
  __asm__ volatile("1:\tmovl %2, %0\n\tleal (%q0, %q3), %1\n\tlock cmpxchgl %1, %2\n\tjnz 1b"
                   : "=&a"(old), "=&r"(sum), "+m"(*word)
                   : "r"(change)
                   : "cc");
  return sum;
}

static uint32_t word;

static uint32_t count_up(unsigned times) {
  for (unsigned i = 0; i < times; ++i)
    locked_add(&word, i + (uint32_t)multiply(i, i));
  return word;
}

static uint32_t by_parts(unsigned times) {
  if (times <= 3)
    return locked_add(&word, times);
  uint32_t left = by_parts(times / 2), right = by_parts(times - times / 2);
  return locked_add(&word, left ^ right);
}

static int order(const void *a, const void *b) { return compare(*(const char *const *)a, *(const char *const *)b); }

int main(int argc, char **argv) {
  unsigned scale = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
  uint64_t sum = 0;
  for (unsigned i = 0; i < 40 * scale; ++i)
    sum = multiply(sum + i, 2654435761u) + highest_bit(sum);
  const char *names[] = {"pear", "apple", "fig", "apples", "", "quince", "cherry", "app"};
  qsort(names, sizeof names / sizeof *names, sizeof *names, order);
  for (unsigned i = 0; i < sizeof names / sizeof *names; ++i)
    printf("%s ", names[i]);
  printf("\n%016llx %u", (unsigned long long)sum, count_up(10 * scale));
  printf(" %u\n", by_parts(20 * scale));
  return 0;
}
