// Check that 32 and 64 byte vectors in AVX registers survive replaced frames, as arguments, results and live values.
// cflags: -mavx2
//
// A 32 byte argument or result needs the whole ymm register: a stub that keeps only the lower half loses data.

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

typedef float float8 __attribute__((vector_size(32)));
typedef double double4 __attribute__((vector_size(32)));
typedef uint32_t uint8x __attribute__((vector_size(32)));
typedef int64_t long4 __attribute__((vector_size(32)));
typedef uint8_t byte32 __attribute__((vector_size(32)));
typedef uint32_t uint16x __attribute__((vector_size(64)));

static uint8x (*volatile round_function)(uint8x, uint8x); // called through a pointer: the real convention

// A toy stream cipher: eight lanes of a quarter round.
static uint8x rotate_left(uint8x v, int by) { return v << by | v >> (32 - by); }

static uint8x quarter(uint8x a, uint8x b) { return rotate_left(a + b, 7) ^ rotate_left(b, 13); }

static uint8x shuffle_lanes(uint8x v) { return __builtin_shufflevector(v, v, 1, 2, 3, 4, 5, 6, 7, 0); }

static uint8x scramble(uint8x block, uint8x key, int rounds) {
  if (rounds == 0)
    return block;
  uint8x left = round_function(block, key);
  uint8x right = scramble(left, shuffle_lanes(key), rounds - 1);
  uint8x checked = round_function(right, block); // block must have lived over both calls, upper half too
  return checked ^ left;
}

// Eight particles at once; positions and velocities are live over calls.
struct particles {
  float8 x, y, vx, vy;
};

static float8 pull(float8 position, float8 centre) { return (centre - position) * 0.0625f; }

static float8 bounce(float8 position, float8 velocity) {
  uint8x outside = (uint8x)((position > 8.0f) | (position < -8.0f));
  return (float8)((uint8x)velocity ^ (outside & 0x80000000u));
}

static struct particles move(struct particles p, float8 centre) {
  float8 ax = pull(p.x, centre), ay = pull(p.y, -centre);
  p.vx = bounce(p.x, p.vx + ax);
  p.vy = bounce(p.y, p.vy + ay);
  p.x += p.vx * 0.25f;
  p.y += p.vy * 0.25f;
  return p;
}

static struct particles move_times(struct particles p, float8 centre, int times) {
  return times == 0 ? p : move_times(move(p, centre), centre * 0.5f + 0.25f, times - 1);
}

// Horner's rule on four doubles; all coefficients are live over the recursion.
static double4 horner(double4 x, double4 c0, double4 c1, double4 c2, int depth) {
  if (depth == 0)
    return c0;
  double4 inner = horner(x, c1, c2, c0 * 0.5, depth - 1);
  return c0 + x * inner * 0.5 + c1 * 0.125 - c2 * 0.0625;
}

static long4 select_greater(long4 a, long4 b) {
  long4 mask = a > b;
  return (a & mask) | (b & ~mask);
}

// (A plain maximum by recursion is avoided: LLVM 22 turns it into a loop with a broken vector constant.)
static long4 tournament(const long4 *values, int count) {
  if (count == 1)
    return values[0];
  long4 left = tournament(values, count / 2);
  long4 right = tournament(values + count / 2, count - count / 2);
  return select_greater(left, right) - count;
}

static byte32 add_bytes(byte32 a, byte32 b) { return a + b; }

// 64 bytes: two ymm registers or memory.
static uint16x twist(uint16x v, int depth) {
  uint16x shifted = v << 1 | v >> 31;
  if (depth == 0)
    return shifted;
  uint16x below = twist(shifted + 0x9e3779b9u, depth - 1);
  return below ^ v;
}

static uint32_t hash_lanes(uint8x v, uint32_t hash) {
  for (int i = 0; i < 8; i++)
    hash = hash * 16777619u ^ v[i];
  return hash;
}

int main(int argc, char **argv) {
  int rounds = 10 * read_scale(argc, argv);
  uint8x key = {1, 22, 333, 4444, 55555, 666666, 7777777, 88888888}, block = {0};
  struct particles p = {{1, 2, 3, 4, 5, 6, 7, 8}, {8, 7, 6, 5, 4, 3, 2, 1}, {0}, {1, -1, 1, -1, 2, -2, 2, -2}};
  double4 x = {0.5, -0.25, 1.0, 0.125}, y = {0};
  long4 values[16], largest = {0};
  byte32 bytes = {0};
  uint16x wide = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  uint32_t hash = 1;

  round_function = quarter;
  for (int round = 0; round < rounds; round++) {
    block = scramble(block + (uint32_t)round, key, round % 8);
    key = shuffle_lanes(key) ^ block;
    p = move_times(p, (float8){0} + (float)(round % 5), round % 4);
    y = y * 0.5 + horner(x, x + 1, x - 1, y * 0.25, round % 10);
    for (int i = 0; i < 16; i++)
      values[i] = (long4){(int64_t)block[i & 7], -(int64_t)key[i & 7], round * i, i ^ round};
    largest = largest / 2 + tournament(values, 1 + round % 16);
    bytes = add_bytes(bytes, (byte32)block);
    wide = twist(wide, round % 5);
    hash = hash_lanes(block, hash) + wide[(unsigned)round % 16] + bytes[(unsigned)round % 32];
  }
  printf("%d rounds, hash %08x\nparticles", rounds, hash_lanes((uint8x)bytes, hash));
  for (int i = 0; i < 8; i++)
    printf(" (%.3f %.3f)", p.x[i], p.y[i]);
  printf("\nhorner %.6f %.6f %.6f %.6f\n", y[0], y[1], y[2], y[3]);
  printf("largest %lld %lld %lld %lld\n", (long long)largest[0], (long long)largest[1], (long long)largest[2],
         (long long)largest[3]);
  return 0;
}
