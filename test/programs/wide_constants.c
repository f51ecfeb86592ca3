// Check that values wider than a word which the optimiser knows, or knows nothing of, are there after a transition.

#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

typedef int int4 __attribute__((vector_size(16)));
typedef double double4 __attribute__((vector_size(32)));
typedef short short8 __attribute__((vector_size(16)));
typedef struct {
  __int128 low, high;
} pair;

static int calls;
static void count(void) { calls++; }
static void (*volatile hook)(void) = count;

// Inlined with constants: what stands in the frame is zero, minus one, or one of a few bits.
static __int128 summed(const __int128 *from, int known, __int128 start) {
  __int128 sum = known ? start : *from;
  hook();
  return sum + calls;
}

static long double scaled(const long double *from, int known, long double start) {
  long double value = known ? start : *from;
  hook();
  return value * 2 + calls;
}

static int4 moved(const int4 *from, int known, int4 start) {
  int4 value = known ? start : *from;
  hook();
  return value + calls;
}

static double4 turned(const double4 *from, int known, double4 start) {
  double4 value = known ? start : *from;
  hook();
  hook();
  return value * 0.5 + (double)calls;
}

static pair doubled(pair given, int depth) {
  if (depth == 0)
    return given;
  hook();
  pair zero = {0, 0};
  pair inner = doubled(depth & 1 ? zero : given, depth - 1);
  inner.low += given.low + depth;
  return inner;
}

// Two of eight lanes are given, and the rest is nobody's until it is overwritten.
static short8 partly(short a, short b, int fill) {
  short8 value;
  value[1] = a;
  value[6] = b;
  hook();
  if (fill)
    for (int i = 0; i < 8; i++)
      if (i != 1 && i != 6)
        value[i] = (short)(i * calls);
  hook();
  return value;
}

// The accumulator begins as zero in each round of the outer loop and is alive over calls in the inner one.
static unsigned __int128 rounds(int n) {
  unsigned __int128 total = 1;
  for (int i = 0; i < n; i++) {
    unsigned __int128 part = 0;
    int4 lanes = {0, 0, 0, 0};
    hook();
    for (int j = 0; j < 5; j++) {
      hook();
      part = part * 7 + (unsigned)(i + j);
      lanes += (int4){i, j, i + j, 1};
    }
    total = total * 31 + part + (unsigned)(lanes[0] + lanes[2]);
  }
  return total;
}

static void print_wide(const char *name, __int128 value) {
  printf("%s %llx %llx\n", name, (unsigned long long)(value >> 64), (unsigned long long)value);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  __int128 given = 7, sum = 0;
  long double real = 1.5L, reals = 0;
  int4 lanes = {1, 2, 3, 4}, all_lanes = {0};
  double4 wide = {1, 2, 3, 4}, all_wide = {0};
  unsigned shorts = 0;
  for (int n = 0; n < 8 * scale; n++) {
    sum += summed(&given, 1, 0) + summed(&given, 1, -1) + summed(&given, 1, (__int128)5 << 90) + summed(&given, n & 1, 0);
    reals = reals * 0.5L + scaled(&real, 1, 0) + scaled(&real, 1, -0.0L) + scaled(&real, n & 1, 0.25L);
    all_lanes += moved(&lanes, 1, (int4){0}) + moved(&lanes, 1, (int4){-1, -1, -1, -1}) + moved(&lanes, n & 1, (int4){0, 9});
    all_wide = all_wide * 0.5 + turned(&wide, 1, (double4){0}) + turned(&wide, n & 1, (double4){0, 0, 1, 0});
    pair both = doubled((pair){n, 3}, n % 5);
    sum += both.low + both.high;
    short8 eight = partly((short)n, 3, 1);
    for (int i = 0; i < 8; i++)
      shorts = shorts * 3 + (unsigned short)eight[i];
    shorts += (unsigned short)partly(4, (short)n, 0)[6];
  }
  print_wide("sum", sum);
  printf("%La\n", reals);
  printf("%d %d %d %d\n", all_lanes[0], all_lanes[1], all_lanes[2], all_lanes[3]);
  printf("%a %a %a %a\n", all_wide[0], all_wide[1], all_wide[2], all_wide[3]);
  print_wide("rounds", (__int128)rounds(3 * scale));
  printf("%u %d\n", shorts, calls);
  return 0;
}
