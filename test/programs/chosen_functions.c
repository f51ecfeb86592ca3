// Check functions chosen at the start (ifunc, target_clones), aliases of main and of thread-local variables, vectorcall.
// cflags: -march=x86-64-v3
// Clones for other targets are compiled for the processor that -march=native names, whatever it lacks in this machine.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct wide {
  long values[5];
};
typedef int small_function(signed char, unsigned short);
typedef struct wide wide_function(struct wide, int);
static int choices;

static int add(signed char a, unsigned short b) { return a + b; }
static int subtract(signed char a, unsigned short b) { return a - b; }
static struct wide shift(struct wide w, int by) {
  for (int i = 0; i < 5; i++)
    w.values[i] += by * i;
  return w;
}
static struct wide swap(struct wide w, int by) {
  w.values[0] = by;
  return w;
}
static int last_of(int count, va_list list) {
  int last = 0;
  while (count-- > 0)
    last = last * 2 + va_arg(list, int);
  return last;
}
static int collect(int count, ...) {
  va_list list;
  va_start(list, count);
  int last = last_of(count, list);
  va_end(list);
  return last;
}

static small_function *choose_small(void) { return ++choices > 100 ? subtract : add; }
static wide_function *choose_wide(void) { return ++choices > 100 ? swap : shift; }
static int (*choose_collect(void))(int, ...) { return collect; }

int small(signed char, unsigned short) __attribute__((ifunc("choose_small")));
struct wide wider(struct wide, int) __attribute__((ifunc("choose_wide")));
static int gather(int, ...) __attribute__((ifunc("choose_collect")));
small_function *table[] = {small, small};

__attribute__((target_clones("avx2", "sse4.2", "default"))) long dot(const int *a, const int *b, int n) {
  long sum = 0;
  for (int i = 0; i < n; i++)
    sum += (long)a[i] * b[i];
  return sum;
}

__attribute__((vectorcall, noinline)) double blend(double a, int b, double c, float d) { return a * b + c - d; }
static double (*pointer_to_blend)(double, int, double, float) __attribute__((vectorcall)) = blend;

__thread long counted = 40;
extern __thread long counted_too __attribute__((alias("counted")));

static int begin(int argc, char **argv) {
  int a[64], b[64], s = 0;
  for (int i = 0; i < 64; i++) {
    a[i] = i * 3 - 50;
    b[i] = 90 - i;
  }
  for (int i = 0; i < 500; i++) {
    s += small((signed char)i, (unsigned short)(i * 77)) ^ table[i & 1]((signed char)-i, 5);
    s += gather(3, i, 2, 3) & 63;
    counted_too += i & 1;
  }
  struct wide w = {{1, 2, 3, 4, 5}};
  for (int i = 0; i < 50; i++)
    w = wider(w, i);
  double x = 1;
  for (int i = 0; i < 40; i++)
    x = blend(x, i & 1, 0.5, 0.25f) + pointer_to_blend(1, i, 2, 3);
  printf("%d %ld %ld %.3f %ld\n", s, w.values[4], dot(a, b, 64), x, counted);
  printf("%d %d %d\n", choices > 0, table[0] == add, table[0] == table[1]);
  return argc > 0 && argv[argc] == NULL ? 0 : 1;
}

int main(int argc, char **argv) __attribute__((alias("begin")));
