// Check that call-free loops (vectorised ones too) and a game of life around them run right when their callers change.
//
// The leaf functions hold only loops; most are counted and vectorise, some have no known trip count. They are
// entered many times from frames that may be replaced, and a long one may be entered while it runs.

#include <stdbool.h>
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

// ---- loops that vectorise ----

static int32_t sum_integers(const int32_t *v, int n) {
  int32_t sum = 0;
  for (int i = 0; i < n; i++)
    sum += v[i] & 0xffff;
  return sum;
}

static void saxpy(float *y, const float *x, float a, int n) {
  for (int i = 0; i < n; i++)
    y[i] += a * x[i];
}

static void add_bytes(uint8_t *restrict out, const uint8_t *restrict in, int n, uint8_t by) {
  for (int i = 0; i < n; i++)
    out[i] = (uint8_t)(in[i] + by);
}

static int count_equal(const uint8_t *v, int n, uint8_t wanted) {
  int count = 0;
  for (int i = 0; i < n; i++)
    count += v[i] == wanted;
  return count;
}

static int32_t largest(const int32_t *v, int n) {
  int32_t best = v[0];
  for (int i = 1; i < n; i++)
    best = v[i] > best ? v[i] : best;
  return best;
}

static void prefix_differences(int32_t *v, int n) {
  for (int i = n - 1; i > 0; i--)
    v[i] = (int32_t)((uint32_t)v[i] - (uint32_t)v[i - 1]);
}

// ---- loops without a known trip count ----

static size_t length_of(const char *s) {
  const char *end = s;
  while (*end)
    end++;
  return (size_t)(end - s);
}

static unsigned collatz_length(uint64_t n) {
  unsigned steps = 0;
  for (; n != 1; steps++)
    n = n % 2 ? 3 * n + 1 : n / 2;
  return steps;
}

static uint32_t scramble_until(uint32_t state, uint32_t mask) {
  while ((state & mask) != 0)
    state = state * 1664525u + 1013904223u;
  return state;
}

static int newton_root(int n) {
  double x = n, before;
  do {
    before = x;
    x = (x + n / x) / 2;
  } while (before - x > 1e-7 || x - before > 1e-7);
  return (int)(x * 1000 + 0.5);
}

// ---- one long loop without a call, entered once ----

static uint64_t long_loop(uint64_t seed, long turns) {
  uint64_t a = seed, b = seed ^ 0x9e3779b97f4a7c15u;
  double drift = 0;
  while (turns-- > 0) {
    a ^= b << 23 | b >> 41;
    b += a * 5;
    if ((a & 0xff) == 0)
      drift += (double)(b & 7);
  }
  return a + b + (uint64_t)drift;
}

// ---- game of life on a torus ----

enum { width = 48, height = 32 };
typedef uint8_t board[height][width];

static int neighbours(const board b, int y, int x) {
  int up = (y + height - 1) % height, down = (y + 1) % height;
  int left = (x + width - 1) % width, right = (x + 1) % width;
  return b[up][left] + b[up][x] + b[up][right] + b[y][left] + b[y][right] + b[down][left] + b[down][x] + b[down][right];
}

static bool lives_on(bool alive, int count) { return count == 3 || (alive && count == 2); }

static int step_row(const board from, board to, int y) {
  int alive = 0;
  for (int x = 0; x < width; x++) {
    to[y][x] = lives_on(from[y][x], neighbours(from, y, x));
    alive += to[y][x];
  }
  return alive;
}

static int generation(const board from, board to) {
  int alive = 0;
  for (int y = 0; y < height; y++)
    alive += step_row(from, to, y);
  return alive;
}

static void place(board b, int y, int x, const char *pattern) {
  for (int start = x; *pattern; pattern++) {
    if (*pattern == '/')
      y++, x = start;
    else
      b[y % height][x++ % width] = *pattern == 'o';
  }
}

static void show(const board b, int from, int to) {
  for (int y = from; y < to; y++) {
    for (int x = 0; x < width; x++)
      putchar(b[y][x] ? 'o' : '.');
    putchar('\n');
  }
}

static uint32_t hash_board(const board b) {
  uint32_t hash = 1;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      hash = hash * 33 + b[y][x];
  return hash;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  static board boards[2];
  int alive = 0, generations = 5 + scale;
  place(boards[0], 2, 2, ".o/..o/ooo");
  place(boards[0], 15, 20, ".oo/oo/.o");
  place(boards[0], 28, 40, "oooo/o...o/o/.o..o");
  for (int g = 0; g < generations; g++)
    alive = generation(boards[g % 2], boards[1 - g % 2]);
  printf("%d generations, %d alive, hash %08x\n", generations, alive, hash_board(boards[generations % 2]));
  show(boards[generations % 2], 14, 18);

  int32_t numbers[1000];
  float x[500], y[500];
  uint8_t bytes[777], shifted[777];
  for (int i = 0; i < 1000; i++)
    numbers[i] = (i * 7919) % 10007;
  for (int i = 0; i < 500; i++)
    x[i] = (float)(i % 16) * 0.25f, y[i] = 1;
  for (int i = 0; i < 777; i++)
    bytes[i] = (uint8_t)(i * 31);
  uint32_t hash = 1;
  for (int round = 0; round < 20 * scale; round++) {
    int n = 1 + round % 500;
    saxpy(y, x, round % 2 ? 0.5f : -0.5f, n);
    add_bytes(shifted, bytes, 777 - n, (uint8_t)round);
    prefix_differences(numbers, 2 * n % 17);
    hash = hash * 31 + (uint32_t)sum_integers(numbers, 2 * n) + (uint32_t)largest(numbers, n);
    hash = hash * 31 + (uint32_t)count_equal(shifted, 777 - n, 9) + (uint32_t)(int32_t)(y[n - 1] * 8);
    hash = hash * 31 + collatz_length((unsigned)round + 1) + scramble_until(hash, 63) + (uint32_t)newton_root(n);
    hash += (uint32_t)length_of(&"a text whose length is counted"[round % 30]);
  }
  printf("loops: hash %08x, y %.3f %.3f\n", hash, (double)y[0], (double)y[499]);
  printf("long loop: %016llx\n", (unsigned long long)long_loop(42, 1000000L * scale));
  return 0;
}
