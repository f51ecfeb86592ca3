// Check that frames with very many live values (32 integers, 20 doubles, all widths) are rebuilt without losing one.
//
// More values are live over each call than there are registers, so most are spilled; the mixed frame holds every
// scalar type that a record must be able to express, down to one bit.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static unsigned calls;

static uint64_t disturb(uint64_t x) {
  calls++;
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdu;
  return x ^ x >> 29;
}

static double disturb_double(double x, uint64_t by) {
  calls++;
  return x * 0.5 + (double)(by & 255) / 256;
}

// Lists of numbered variables, so that one macro can declare, change or add them all.
#define EACH_INTEGER(DO)                                                                                               \
  DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)                \
  DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23) DO(24) DO(25) DO(26) DO(27) DO(28) DO(29) DO(30) DO(31)
#define EACH_DOUBLE(DO)                                                                                                \
  DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)                \
  DO(16) DO(17) DO(18) DO(19)

// One call per turn of the loop, with 52 values live over it; the values are the loop's phis.
static uint64_t crowded_loop(uint64_t seed, int turns, double *sum_out) {
#define DECLARE_INTEGER(n) uint64_t i##n = seed * (2 * n + 1) + n;
#define DECLARE_DOUBLE(n) double d##n = (double)(seed & 1023) * 0.25 + n;
  EACH_INTEGER(DECLARE_INTEGER)
  EACH_DOUBLE(DECLARE_DOUBLE)
  for (int turn = 0; turn < turns; turn++) {
    uint64_t noise = disturb(i0 ^ (uint64_t)turn);
    double wave = disturb_double(d0, noise);
#define CHANGE_INTEGER(n) i##n = (i##n << 1 | i##n >> 63) ^ (noise >> n);
#define CHANGE_DOUBLE(n) d##n = d##n * 0.75 + wave * (n + 1);
    EACH_INTEGER(CHANGE_INTEGER)
    EACH_DOUBLE(CHANGE_DOUBLE)
  }
  uint64_t sum = 0;
  double total = 0;
#define ADD_INTEGER(n) sum = sum * 31 + i##n;
#define ADD_DOUBLE(n) total += d##n / (n + 1);
  EACH_INTEGER(ADD_INTEGER)
  EACH_DOUBLE(ADD_DOUBLE)
  *sum_out = total;
  return sum;
}

// The same crowd over a recursive call, unchanged: each frame must find its own values again.
static uint64_t crowded_recursion(uint64_t seed, int depth) {
  EACH_INTEGER(DECLARE_INTEGER)
  EACH_DOUBLE(DECLARE_DOUBLE)
  uint64_t below = depth > 0 ? crowded_recursion(disturb(seed), depth - 1) : seed;
  uint64_t sum = below;
  double total = 0;
  EACH_INTEGER(ADD_INTEGER)
  EACH_DOUBLE(ADD_DOUBLE)
  return sum ^ (uint64_t)(total * 4);
}

// Every scalar type at once.
static uint64_t all_types(int depth, uint64_t seed) {
  bool flag = seed & 1;
  int8_t tiny = (int8_t)seed;
  uint8_t byte = (uint8_t)(seed >> 8);
  int16_t small = (int16_t)(seed >> 16);
  uint16_t word = (uint16_t)(seed >> 24);
  int32_t medium = (int32_t)(uint32_t)(seed >> 20);
  uint64_t large = seed * 3;
  __int128 huge = (__int128)(int64_t)seed * (int64_t)(seed | 5);
  float single = (float)(seed & 4095) * 0.125f;
  double twice = (double)(seed & 65535) * 0.25;
  long double extended = (long double)(seed & 0xffffff) / 8;
  uint64_t (*function)(uint64_t) = flag ? disturb : NULL;
  const char *text = &"pointer into a constant"[seed % 20];
  if (depth == 0)
    return disturb(seed);
  uint64_t below = all_types(depth - 1, disturb(seed));
  uint64_t result = below + (uint64_t)flag + (uint64_t)(int64_t)tiny * 3 + byte * 5u + (uint64_t)(int64_t)small * 7;
  result += word * 11u + (uint64_t)(int64_t)medium * 13 + large * 17;
  result += (uint64_t)huge * 19 + (uint64_t)(huge >> 64) * 23;
  result += (uint64_t)(single * 8) * 29 + (uint64_t)(twice * 4) * 31 + (uint64_t)(extended * 8) * 37;
  result += (function ? function(result) : 1) + (unsigned char)*text;
  return result;
}

// Arguments enough to fill all argument registers and much stack, all used after a call.
static uint64_t many_arguments(int a, int64_t b, double c, uint8_t d, float e, int16_t f, uint64_t g, double h, int i,
                               bool j, const char *k, double l, int64_t m, float n, double o, double p, double q,
                               double r, double s, int t) {
  uint64_t x = disturb((uint64_t)a + g);
  double y = disturb_double(c + h, x);
  double sum = c + e * 2 + h * 3 + l * 4 + n * 5 + o * 6 + p * 7 + q * 8 + r * 9 + s * 10 + y;
  if (t > 0)
    x += many_arguments(i, m, l, (uint8_t)f, n, d, x, o, a, !j, k + 1, p, b, e, q, r, s, c, h, t - 1);
  x += (uint64_t)a + (uint64_t)b + d + (uint64_t)(int64_t)f + g + (uint64_t)i + j + (unsigned char)*k;
  return x + (uint64_t)m + (uint64_t)(int64_t)(sum * 16);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  uint64_t hash = 1;
  double total = 0;
  for (int round = 0; round < 10 * scale; round++) {
    double sum;
    hash = hash * 31 + crowded_loop(disturb((uint64_t)round), round % 30, &sum);
    total = total * 0.5 + sum;
    hash = hash * 31 + crowded_recursion((uint64_t)round, round % 12);
    hash = hash * 31 + all_types(round % 9, disturb((uint64_t)round * 5));
    hash = hash * 31 + many_arguments(round, -7, 0.5, 200, 1.5f, -300, hash, 2.5, 9, round & 1, "constant text", 3.5,
                                      11, 4.5f, 5.5, 6.5, 7.5, 8.5, 9.5, round % 7);
  }
  printf("%u calls, hash %016llx, total %.6f\n", calls, (unsigned long long)hash, total);
  return 0;
}
