// Check that functions of every calling convention find their arguments and keep what their callers rely on.
//
// Conventions differ in which registers carry arguments and in which ones the callee keeps. The callers here have values in
// all of them, and each function is called for the first time with them alive.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static volatile double reals[16];
static volatile long numbers[16];
static unsigned long steps;

__attribute__((noinline)) static void plain(long by) { steps = steps * 5 + (unsigned long)by; }

// A caller with ten doubles and ten integers that are alive over a call of `callee`, and one that has the vectors only.
#define CALLER(name, convention)                                                                                       \
  __attribute__((noinline, convention)) static long name##_callee(long a, double b) {                                  \
    plain(a);                                                                                                          \
    return a + (long)b;                                                                                                \
  }                                                                                                                    \
  static long (*volatile name##_pointer)(long, double) __attribute__((convention)) = name##_callee;                    \
  __attribute__((noinline)) static double name##_caller(long n) {                                                      \
    double r0 = reals[0], r1 = reals[1], r2 = reals[2], r3 = reals[3], r4 = reals[4], r5 = reals[5], r6 = reals[6],    \
           r7 = reals[7], r8 = reals[8], r9 = reals[9];                                                                \
    long n0 = numbers[0], n1 = numbers[1], n2 = numbers[2], n3 = numbers[3], n4 = numbers[4], n5 = numbers[5],         \
         n6 = numbers[6], n7 = numbers[7], n8 = numbers[8], n9 = numbers[9];                                           \
    long one = name##_callee(n, n * 0.5), two = name##_pointer(n0, r9);                                                \
    plain(n9);                                                                                                         \
    return r0 + 2 * r1 + 3 * r2 + 4 * r3 + 5 * r4 + 6 * r5 + 7 * r6 + 8 * r7 + 9 * r8 + 10 * r9 + (double)(one ^ two) + \
           (double)(n0 + 2 * n1 + 3 * n2 + 4 * n3 + 5 * n4 + 6 * n5 + 7 * n6 + 8 * n7 + 9 * n8 + 10 * n9);              \
  }

CALLER(ms, ms_abi)
CALLER(most, preserve_most)
CALLER(all, preserve_all)
CALLER(none, preserve_none)
CALLER(regcall, regcall)
CALLER(ocl, intel_ocl_bicc)
CALLER(sysv, sysv_abi)
CALLER(ordinary, noinline)

// As many arguments as there are registers for them, and more.
__attribute__((noinline, preserve_none)) static long twelve(long a, long b, long c, long d, long e, long f, long g, long h,
                                                            long i, long j, long k, long l) {
  plain(k);
  return a - 2 * b + 3 * c - 4 * d + 5 * e - 6 * f + 7 * g - 8 * h + 9 * i - 10 * j + 11 * k - 12 * l;
}

__attribute__((noinline, regcall)) static double crowd(long a, double b, long c, double d, long e, double f, long g, double h,
                                                       long i, double j, long k, double l, long double m) {
  plain(i);
  return (double)(a + 2 * c + 3 * e + 4 * g + 5 * i + 6 * k) + b + 2 * d + 3 * f + 4 * h + 5 * j + 6 * l + (double)m;
}

__attribute__((noinline, ms_abi)) static double listed(int count, ...) {
  __builtin_ms_va_list list;
  __builtin_ms_va_start(list, count);
  double sum = 0;
  for (int n = 0; n < count; n++)
    sum = sum * 2 + (n % 2 ? __builtin_va_arg(list, double) : (double)__builtin_va_arg(list, long long));
  __builtin_ms_va_end(list);
  return sum;
}

// Conventions within one another, recursively: each keeps its own caller's registers over calls of the others.
__attribute__((noinline, preserve_all)) static double nested_all(long depth, double x);
__attribute__((noinline, ms_abi)) static double nested_ms(long depth, double x) {
  double kept = reals[depth % 10] + x;
  double inner = depth > 0 ? nested_all(depth - 1, x * 0.5) : x;
  plain(depth);
  return kept * 0.25 + inner;
}
__attribute__((noinline, preserve_all)) static double nested_all(long depth, double x) {
  double kept = reals[(depth + 3) % 10] - x;
  double inner = depth > 0 ? nested_ms(depth - 1, x + 1) : x;
  return kept * 0.5 + inner;
}

typedef double (*caller)(long);
static caller callers[] = {ms_caller, most_caller, all_caller, none_caller, regcall_caller, ocl_caller, sysv_caller, ordinary_caller};

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  for (int i = 0; i < 16; i++) {
    reals[i] = i + 0.5;
    numbers[i] = 3 * i + 1;
  }
  double sum = 0;
  for (int n = 0; n < 20 * scale; n++) {
    for (unsigned i = 0; i < sizeof callers / sizeof *callers; i++) {
      double one = callers[i](n);
      if (n == 0)
        printf("%u %a\n", i, one);
      sum = sum * 0.5 + one;
    }
    sum += (double)twelve(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, n + 10, 11);
    sum += crowd(n, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, n + 5, 5.5, 6, 6.5, 7.25L);
    sum += listed(5, (long long)n, 0.5, 3LL, 1.5, 7LL);
    sum += nested_ms(n % 6, n * 0.125);
  }
  printf("%a %lu\n", sum, steps);
  return 0;
}
