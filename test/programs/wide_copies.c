// Check that arguments survive between a copy through wide registers and the call that they are for.
// cflags: -mavx2
//
// Code generation clears the upper halves of the vector registers in front of each call, when the arguments are there.

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

typedef struct {
  double matrix[12];
  long tag;
  float colour[3];
} shape;

static shape pages[8][4];
static unsigned long turns;

__attribute__((noinline)) static double scaled(double value, float by, long tag) {
  turns += (unsigned long)tag;
  return value * by + (double)tag;
}

__attribute__((noinline)) static float faded(float value, double by) {
  turns += 3;
  return value * (float)by;
}

__attribute__((noinline)) static long double precise(long double value, double by) {
  turns += 5;
  return value / 2 + by;
}

__attribute__((noinline)) static _Complex double turned(_Complex double value, double by) {
  turns += 7;
  return value * by + 1;
}

// Arguments that wait in registers and in the frame while a whole shape is copied.
__attribute__((noinline)) static double store(shape *to, const shape *from, double weight, float by, long tag) {
  double first = scaled(weight, by, tag);
  *to = *from;
  double second = scaled(weight, by, tag + 1);
  to[1] = *from;
  to->matrix[tag % 12] = second;
  float third = faded(by, weight);
  to[2] = to[1];
  double fourth = faded(third, second);
  memcpy(&to[3], to, sizeof *to);
  return first - second + third * fourth + scaled(first, third, tag);
}

__attribute__((noinline)) static double mixed(shape *at, int depth, double x, _Complex double z, long double l) {
  if (depth == 0)
    return x + __real__ z;
  shape kept = *at;
  z = turned(z, x);
  *at = pages[depth & 7][depth & 3];
  l = precise(l, __imag__ z + x);
  double inner = mixed(&pages[depth & 7][1], depth - 1, scaled(x, 0.5f, depth), z * 0.25, l);
  *at = kept;
  return inner + (double)precise(l, inner) + kept.matrix[depth % 12];
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  shape one = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 13, {0.5f, 0.25f, 0.125f}};
  double sum = 0;
  for (int i = 0; i < 60 * scale; i++) {
    one.matrix[i % 12] += i;
    sum += store(pages[i & 7], &one, i * 0.75, (float)(i & 15) / 8, i % 5);
    if (i % 10 == 0)
      sum += mixed(pages[i & 7], 6, i * 0.001, i + 2.0i, i);
  }
  printf("%a %lu\n", sum, turns);
  for (int i = 0; i < 8; i++)
    printf("%a %a %ld %a\n", pages[i][0].matrix[i], pages[i][3].matrix[11 - i], pages[i][1].tag, pages[i][2].colour[i % 3]);
  return 0;
}
