// Check that the compiler, which works within calls of the program, neither sees nor changes how the program calculates: the
// rounding that it chose, the exceptions that it wants to be told of, and those that it has raised.
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static volatile double one = 1, three = 3, tenth = 0.1;
static unsigned raised;

/* Many functions, so that something is compiled in each part of main. */
#define EACH(apply) apply(0) apply(1) apply(2) apply(3) apply(4) apply(5) apply(6) apply(7) apply(8) apply(9)
#define WHOLE(n)                                                                                                       \
  __attribute__((noinline)) static long whole##n(long x) {                                                             \
    long sum = x + n;                                                                                                  \
    for (int i = 0; i < 40; i++)                                                                                       \
      sum = sum * 31 + (sum >> 3);                                                                                     \
    return sum;                                                                                                        \
  }
#define REAL(n)                                                                                                        \
  __attribute__((noinline)) static double real##n(double x) { return sin(n + 0.1) + exp(0.3 * n) + x / (three + n); }
EACH(WHOLE)
EACH(REAL)

static void look(void) {
  raised = raised * 31 + (unsigned)fetestexcept(FE_ALL_EXCEPT);
}

#define CALL_WHOLE(n)                                                                                                  \
  for (int i = 0; i < rounds; i++)                                                                                     \
    sum ^= whole##n(i);                                                                                                \
  look();
#define CALL_REAL(n) total += real##n(tenth) + real##n(one);

static int raised_before_main;

__attribute__((constructor)) static void early(void) { raised_before_main = fetestexcept(FE_ALL_EXCEPT); }

int main(int argc, char **argv) {
  printf("raised before main: %x, at its begin: %x\n", raised_before_main, fetestexcept(FE_ALL_EXCEPT));
  int rounds = 200 * (argc > 1 ? atoi(argv[1]) : 1);
  long sum = 0;
  feclearexcept(FE_ALL_EXCEPT);
  EACH(CALL_WHOLE)
  feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT);
  for (int round = 0; round < 20; round++) {
    EACH(CALL_WHOLE)
  }
  fedisableexcept(FE_ALL_EXCEPT);
  printf("%ld %u\n", sum, raised);
  const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
  for (int mode = 0; mode < 4; mode++) {
    double total = 0;
    fesetround(modes[mode]);
    for (int round = 0; round < 20; round++) {
      EACH(CALL_REAL)
    }
    fesetround(FE_TONEAREST);
    printf("%a\n", total);
  }
  look();
  printf("%u\n", raised);
  return 0;
}
