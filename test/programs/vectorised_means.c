// Check that loops over wide vectors and calls with floating-point arguments go together, at the instructions of 2013.
// cflags: -march=x86-64-v3 -ffp-contract=off

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum { rows = 24, columns = 53 };
static float image[rows][columns], blurred[rows][columns];
static int histogram[64];
static double weights[columns];

typedef double (*kernel)(double, double, float);
__attribute__((noinline)) static double mean(double a, double b, float part) { return a * part + b * (1 - part); }
__attribute__((noinline)) static double peak(double a, double b, float part) { return a > b ? a + part : b - part; }
__attribute__((noinline)) static double folded(double a, double b, float part) { return (a < 0 ? -a : a) * part + b; }
static kernel kernels[] = {mean, peak, folded};

// The loops have no calls and become vectors; their sums are wanted on both sides of the calls.
__attribute__((noinline)) static double row(const float *from, float *to, kernel each, double start, float part) {
  float total = 0;
  int bits = 0;
  for (int i = 0; i < columns; i++) {
    to[i] = from[i] * part + 0.25f;
    bits ^= (int)from[i];
  }
  double answer = each(start, part, (float)bits / 64);
  for (int i = 0; i < columns; i++)
    weights[i] += to[i] * 0.5;
  answer = each(answer, start, part);
  for (int i = 0; i < 64; i++)
    histogram[i] += (bits + i) & 3;
  for (int i = 0; i < columns; i += 7)
    total += to[i];
  return each(answer, total, part) - start;
}

// al says how many vector registers carry arguments.
__attribute__((noinline)) static double listed(int count, ...) {
  va_list list;
  va_start(list, count);
  double sum = 0;
  for (int i = 0; i < count; i++)
    sum = sum / 2 + va_arg(list, double);
  va_end(list);
  return sum;
}

__attribute__((noinline)) static double variadic(double x, double y, float part) {
  double before = listed(3, x, y, (double)part);
  for (int i = 0; i < columns; i++)
    weights[i] = weights[i] * part + y;
  return before + listed(4, x, y, before, (double)part);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      image[i][j] = (float)((i * 31 + j * 17) % 97) / 8;
  double sum = 0.5;
  for (int n = 0; n < 3 * scale; n++)
    for (int i = 0; i < rows; i++) {
      sum = row(image[i], blurred[i], kernels[(n + i) % 3], sum * 0.001, (float)(i % 7) / 8);
      sum += variadic(sum, i, 0.75f);
    }
  printf("%a\n", sum);
  double check = 0;
  int bins = 0;
  for (int i = 0; i < rows; i++)
    check = check * 0.75 + blurred[i][i] + weights[i];
  for (int i = 0; i < 64; i++)
    bins = bins * 31 + histogram[i];
  printf("%a %d\n", check, bins);
  return 0;
}
