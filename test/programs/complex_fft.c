// Check that float, double, long double and their complex types survive replaced frames, in every role.
// libs: -lm
//
// They are arguments, results and values live over calls. The same recursive Fourier transform is written for the
// three precisions. A complex float travels in one SSE register, a complex double in two, a complex long double in
// memory and in two x87 registers.

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum { max_size = 128 };
static long double complex roots[max_size]; // exp(2 pi i k / max_size)

static void fill_roots(void) {
  long double step = 8 * atanl(1.0L) / max_size;
  for (int k = 0; k < max_size; k++)
    roots[k] = cosl(step * k) + sinl(step * k) * I;
}

// Defines, for one real type: product, butterfly, transform, and a test that multiplies two polynomials.
#define DEFINE_TRANSFORM(real, suffix)                                                                                 \
  static real complex product_##suffix(real complex a, real complex b) {                                               \
    real re = (real)creall(a) * (real)creall(b) - (real)cimagl(a) * (real)cimagl(b);                                   \
    real im = (real)creall(a) * (real)cimagl(b) + (real)cimagl(a) * (real)creall(b);                                   \
    return re + im * I;                                                                                                \
  }                                                                                                                    \
                                                                                                                       \
  static real complex root_##suffix(int k, int size, int inverse) {                                                    \
    real complex root = (real complex)roots[k * (max_size / size)];                                                    \
    return inverse ? (real)creall(root) - (real)cimagl(root) * I : root;                                               \
  }                                                                                                                    \
                                                                                                                       \
  static void transform_##suffix(real complex *out, const real complex *in, int size, int stride, int inverse) {       \
    if (size == 1) {                                                                                                   \
      out[0] = in[0];                                                                                                  \
      return;                                                                                                          \
    }                                                                                                                  \
    int half = size / 2;                                                                                               \
    transform_##suffix(out, in, half, stride * 2, inverse);                                                            \
    transform_##suffix(out + half, in + stride, half, stride * 2, inverse);                                            \
    for (int k = 0; k < half; k++) {                                                                                   \
      real complex even = out[k];                                                                                      \
      real complex odd = product_##suffix(root_##suffix(k, size, inverse), out[k + half]);                             \
      out[k] = even + odd;                                                                                             \
      out[k + half] = even - odd;                                                                                      \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  /* Multiplies two polynomials with small whole coefficients and counts the coefficients that are wrong. */           \
  static int wrong_products_##suffix(int size, int seed) {                                                             \
    real complex a[max_size] = {0}, b[max_size] = {0}, fa[max_size], fb[max_size];                                     \
    int exact[max_size] = {0}, wrong = 0;                                                                              \
    for (int i = 0; i < size / 2; i++) {                                                                               \
      a[i] = (real)((i * seed + 1) % 7 - 3);                                                                           \
      b[i] = (real)((i + seed * 2) % 5 - 2);                                                                           \
    }                                                                                                                  \
    for (int i = 0; i < size / 2; i++)                                                                                 \
      for (int j = 0; j < size / 2; j++)                                                                               \
        exact[i + j] += ((i * seed + 1) % 7 - 3) * ((j + seed * 2) % 5 - 2);                                           \
    transform_##suffix(fa, a, size, 1, 0);                                                                             \
    transform_##suffix(fb, b, size, 1, 0);                                                                             \
    for (int i = 0; i < size; i++)                                                                                     \
      fa[i] = fa[i] * fb[i] / (real)size;                                                                              \
    transform_##suffix(a, fa, size, 1, 1);                                                                             \
    for (int i = 0; i < size; i++)                                                                                     \
      wrong += (int)lrintl((long double)creall(a[i])) != exact[i] || fabsl((long double)cimagl(a[i])) > 1e-2L;         \
    return wrong;                                                                                                      \
  }                                                                                                                    \
                                                                                                                       \
  /* A continued fraction and a power, each with the callee's result used after more work. */                          \
  static real fraction_##suffix(real x, int depth) {                                                                   \
    return depth == 0 ? x : x / (1 + fraction_##suffix(x + (real)0.25, depth - 1)) + (real)depth;                      \
  }                                                                                                                    \
                                                                                                                       \
  static real complex power_##suffix(real complex z, int n) {                                                          \
    if (n == 0)                                                                                                        \
      return 1;                                                                                                        \
    real complex root = power_##suffix(z, n / 2);                                                                      \
    real complex square = product_##suffix(root, root);                                                                \
    return n % 2 ? product_##suffix(square, z) : square;                                                               \
  }

DEFINE_TRANSFORM(float, f)
DEFINE_TRANSFORM(double, d)
DEFINE_TRANSFORM(long double, l)

// All the types in one frame, and in one argument list that needs the stack.
static double mix(float a, double b, long double c, float complex d, double complex e, long double complex f, double g,
                  float h, double i, float j, double k, long double l) {
  return a + 2 * b + (double)(3 * c) + 4 * crealf(d) + 5 * cimagf(d) + 6 * creal(e) + 7 * cimag(e) +
         (double)(8 * creall(f) + 9 * cimagl(f)) + 10 * g + 11 * h + 12 * i + 13 * j + 14 * k + (double)(15 * l);
}

static double all_types(int depth, float a, double b, long double c) {
  float complex d = a + 0.5f * I;
  double complex e = b - 0.25 * I;
  long double complex f = c + 2.0L * I;
  double mixed = mix(a, b, c, d, e, f, b + 1, a + 1, b + 2, a + 2, b + 3, c + 1);
  if (depth == 0)
    return mixed;
  double below = all_types(depth - 1, a * 0.5f + 1, b * 0.75 - 1, c * 0.25L + 2);
  return below * 0.5 + mixed + crealf(d * d) + cimag(e * e) + (double)creall(f / 2);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 3 + scale * scale * 3;
  int wrong = 0;
  double sum = 0;

  fill_roots();
  for (int round = 0; round < rounds; round++) {
    int size = 8 << (round % (scale < 10 ? 3 : 5));
    wrong += wrong_products_f(size, round % 11) + wrong_products_d(size, round % 13);
    wrong += wrong_products_l(size, round % 17);
    sum += all_types(round % 8, 1.0f, round * 0.125, 3.0L);
  }
  printf("%d rounds, wrong coefficients: %d, sum %.6f\n", rounds, wrong, sum);
  printf("fractions: %.4f %.10f %.12Lf\n", (double)fraction_f(0.5f, 20), fraction_d(0.5, 20), fraction_l(0.5L, 20));
  float complex pf = power_f(0.75f + 0.5f * I, 9);
  double complex pd = power_d(0.75 + 0.5 * I, 9);
  long double complex pl = power_l(0.75L + 0.5L * I, 9);
  printf("powers: %.4f%+.4fi %.10f%+.10fi %.12Lf%+.12Lfi\n", (double)crealf(pf), (double)cimagf(pf), creal(pd),
         cimag(pd), creall(pl), cimagl(pl));
  return wrong != 0;
}
