// Check that 16 and 32 byte vectors passed, returned and live across calls survive replaced frames.
//
// Without AVX a 32 byte vector is two registers or memory; vectors of floats, doubles and integers of all widths
// are live over recursive calls that use all vector registers themselves.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

typedef float float4 __attribute__((vector_size(16)));
typedef double double2 __attribute__((vector_size(16)));
typedef int32_t int4 __attribute__((vector_size(16)));
typedef uint8_t byte16 __attribute__((vector_size(16)));
typedef int16_t short8 __attribute__((vector_size(16)));
typedef int64_t long2 __attribute__((vector_size(16)));
typedef float float8 __attribute__((vector_size(32)));
typedef uint32_t uint8x __attribute__((vector_size(32)));
typedef double double4 __attribute__((vector_size(32)));

static float4 scale_and_add(float4 a, float4 b, float factor) { return a + b * factor; }

static float sum4(float4 v) { return (v[0] + v[1]) + (v[2] + v[3]); }

// Four-by-four matrices as arrays of vectors; the product calls with vectors in registers.
struct matrix {
  float4 row[4];
};

static float4 row_times(float4 row, const struct matrix *m) {
  float4 result = {0};
  for (int i = 0; i < 4; i++)
    result = scale_and_add(result, m->row[i], row[i]);
  return result;
}

static struct matrix times(struct matrix a, struct matrix b) {
  struct matrix out;
  for (int i = 0; i < 4; i++)
    out.row[i] = row_times(a.row[i], &b);
  return out;
}

static struct matrix power(struct matrix base, int n) {
  struct matrix identity = {{{1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}}};
  if (n == 0)
    return identity;
  struct matrix half = power(base, n / 2);
  struct matrix square = times(half, half);
  return n & 1 ? times(square, base) : square;
}

// Nine vectors live over the recursive call: more than the callee leaves alone (none).
static int4 crowd(int depth, int4 a, float4 b, double2 c) {
  byte16 bytes = {(uint8_t)depth, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  short8 shorts = {(int16_t)(depth * 100), -1, 2, -3, 4, -5, 6, -7};
  long2 longs = {depth * 1000000007LL, -depth};
  int4 twice = a + a;
  int4 turned = __builtin_shufflevector(a, a, 1, 2, 3, 0);
  float4 reversed = __builtin_shufflevector(b, b, 3, 2, 1, 0);
  if (depth == 0)
    return a ^ twice;
  int4 below = crowd(depth - 1, turned + 1, reversed * 0.5f + 1.0f, c * 0.5);
  int4 mask = below > a; // all ones or zero per lane
  int4 picked = (below & mask) | (twice & ~mask);
  int4 rounded = __builtin_convertvector(b + reversed, int4);
  bytes += (uint8_t)depth;
  shorts = shorts * 3 - (int16_t)bytes[5];
  longs ^= (long2){(int64_t)(c[0] * 8), (int64_t)(c[1] * 8)};
  return picked + turned * 3 + rounded + (int4){bytes[0], shorts[3], (int32_t)longs[0], (int32_t)longs[1]};
}

// 32 byte vectors by value, returned, and in a struct.
struct wide_pair {
  uint8x lanes;
  double4 weights;
};

static uint8x xorshift(uint8x state) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^ state << 5;
}

static struct wide_pair step(struct wide_pair in, float8 noise) {
  uint8x bits = xorshift(in.lanes);
  float8 small = __builtin_convertvector(bits >> 24, float8) * 0.0625f + noise;
  double4 low = {small[0], small[1], small[2], small[3]};
  double4 high = {small[4], small[5], small[6], small[7]};
  return (struct wide_pair){bits, in.weights * 0.5 + low - high};
}

static struct wide_pair wide_recursion(struct wide_pair in, float8 noise, int depth) {
  struct wide_pair next = step(in, noise);
  if (depth == 0)
    return next;
  struct wide_pair below = wide_recursion(next, noise * 0.5f, depth - 1);
  return (struct wide_pair){below.lanes + in.lanes, below.weights + next.weights};
}

// Through a pointer, so that no compiler can change the calling convention.
static float8 (*volatile blend)(float8, float8, uint8x);

static float8 blend_by_mask(float8 a, float8 b, uint8x mask) {
  return (float8)(((uint8x)a & mask) | ((uint8x)b & ~mask));
}

int main(int argc, char **argv) {
  int rounds = 10 * read_scale(argc, argv);
  struct matrix m = {{{0.5f, 0.25f, 0, 0}, {-0.25f, 0.5f, 0.125f, 0}, {0, 0, 1, 0.0625f}, {0.25f, 0, 0, 0.75f}}};
  struct wide_pair wide = {{1, 2, 3, 4, 5, 6, 7, 8}, {0}};
  float8 blended = {1, 2, 3, 4, 5, 6, 7, 8};
  uint32_t hash = 1;
  float trace = 0;

  blend = blend_by_mask;
  for (int round = 0; round < rounds; round++) {
    struct matrix p = power(m, 1 + round % 13);
    trace = trace * 0.5f + sum4((float4){p.row[0][0], p.row[1][1], p.row[2][2], p.row[3][3]});
    int4 lanes = crowd(round % 9, (int4){round, -round, 7, 3}, (float4){1, 2, 3, 4}, (double2){0.5, round});
    wide = wide_recursion(wide, blended * 0.125f, round % 4);
    blended = blend(blended, blended + 0.25f, (uint8x)((wide.lanes & 1u) != 0));
    if (round % 16 == 15)
      blended *= 0.5f;
    for (int i = 0; i < 4; i++)
      hash = hash * 31 + (uint32_t)lanes[i] + wide.lanes[i + 4];
  }
  printf("%d rounds, trace %.5f, hash %08x\n", rounds, trace, hash);
  printf("weights %.5f %.5f %.5f %.5f\nblended", wide.weights[0], wide.weights[1], wide.weights[2], wide.weights[3]);
  for (int i = 0; i < 8; i++)
    printf(" %.5f", blended[i]);
  printf("\n");
  return 0;
}
