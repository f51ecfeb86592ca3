// Work in small equal rounds, with the time at the end of each: shows how fast a program is from its first instruction on.
// warmup KERNEL ROUNDS prints the nanoseconds of CLOCK_MONOTONIC at the start of main and after each round;
// warmup KERNEL ROUNDS lines prints after each round what was computed so far.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// A stack machine that computes sums of Collatz lengths.
enum { Push, Dup, Odd, JumpIf, Half, TriplePlus, Count, IsOne, Jump, End };
static uint64_t interpret(const int *code, uint64_t start) {
  uint64_t stack[16], count = 0;
  int sp = 0;
  for (int pc = 0;;) {
    switch (code[pc++]) {
    case Push: stack[sp++] = start; break;
    case Dup: stack[sp] = stack[sp - 1]; ++sp; break;
    case Odd: stack[sp - 1] &= 1; break;
    case JumpIf: pc = stack[--sp] ? code[pc] : pc + 1; break;
    case Half: stack[sp - 1] >>= 1; break;
    case TriplePlus: stack[sp - 1] = 3 * stack[sp - 1] + 1; break;
    case Count: ++count; break;
    case IsOne: stack[sp - 1] = stack[sp - 1] == 1; break;
    case Jump: pc = code[pc]; break;
    case End: return count;
    }
  }
}

static uint64_t interpreter(uint64_t round) {
  static const int program[] = {Push, Dup,  IsOne, JumpIf, 16,         Count, Dup, Odd, JumpIf, 13,
                                Half, Jump, 1,     TriplePlus, Jump, 1,     End};
  uint64_t sum = 0;
  for (uint64_t i = 1; i < 40; ++i)
    sum += interpret(program, i + round % 1000);
  return sum;
}

// Quicksort with a comparison through a pointer.
static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void sort(uint32_t *begin, uint32_t *end, int (*compare)(const void *, const void *)) {
  while (end - begin > 1) {
    uint32_t pivot = begin[(end - begin) / 2], *low = begin, *high = end - 1;
    while (low <= high) {
      while (compare(low, &pivot) < 0)
        ++low;
      while (compare(high, &pivot) > 0)
        --high;
      if (low <= high) {
        uint32_t kept = *low;
        *low++ = *high;
        *high-- = kept;
      }
    }
    sort(begin, high + 1, compare);
    begin = low;
  }
}

static uint64_t sorting(uint64_t round) {
  static uint32_t numbers[512];
  uint32_t seed = (uint32_t)round * 2654435761u + 1;
  for (int i = 0; i < 512; ++i)
    numbers[i] = seed = seed * 1664525u + 1013904223u;
  sort(numbers, numbers + 512, ascending);
  return numbers[17];
}

// A hash table with open addressing.
static uint64_t hashing(uint64_t round) {
  static uint64_t keys[2048];
  memset(keys, 0, sizeof(keys));
  uint64_t found = 0, key = round + 1;
  for (int i = 0; i < 1400; ++i) {
    key = key * 6364136223846793005u + 1442695040888963407u;
    uint64_t wanted = (key >> 40) | 1;
    uint64_t slot = wanted * 0x9e3779b97f4a7c15u >> 53;
    while (keys[slot] && keys[slot] != wanted)
      slot = (slot + 1) & 2047;
    found += keys[slot] == wanted;
    keys[slot] = wanted;
  }
  return found;
}

int main(int argc, char **argv) {
  uint64_t start = now();
  if (argc != 3 && argc != 4)
    return 2;
  uint64_t (*kernel)(uint64_t) = !strcmp(argv[1], "interpreter") ? interpreter : !strcmp(argv[1], "sorting") ? sorting : hashing;
  uint64_t rounds = strtoull(argv[2], 0, 10), sum = 0;
  uint64_t *times = malloc((rounds + 1) * sizeof(*times));
  times[0] = start;
  for (uint64_t i = 0; i < rounds; ++i) {
    sum += kernel(i);
    times[i + 1] = now();
    if (argc == 4)
      printf("%llu\n", (unsigned long long)sum);
  }
  for (uint64_t i = 0; argc == 3 && i <= rounds; ++i)
    printf("%llu\n", (unsigned long long)times[i]);
  fprintf(stderr, "%llu\n", (unsigned long long)sum);
  return 0;
}
