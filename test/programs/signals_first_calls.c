// Check that a handler may call functions that nobody has called before, whatever it has interrupted.
// libs: -ldl
//
// A timer's handler calls a new function each time, by pointer or by name, while the program is in malloc, in stdio, in
// the dynamic linker, in qsort and in code of its own. How far the program has come when a signal arrives does not matter
// for what it prints.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { FUNCTIONS = 40, PLACES = 5 };

static volatile sig_atomic_t ticks;
static unsigned long sum;

#define FRESH(k)                                                                                                       \
  __attribute__((noinline)) static unsigned long deep_##k(unsigned long n) { return n ? deep_##k(n - 1) + k : n; }     \
  __attribute__((noinline)) static unsigned long fresh_##k(unsigned long n) { return n * (k + 3) ^ deep_##k(k % 5); }
#define TEN(m, d) m(d##0) m(d##1) m(d##2) m(d##3) m(d##4) m(d##5) m(d##6) m(d##7) m(d##8) m(d##9)
#define ALL(m) TEN(m, 1) TEN(m, 2) TEN(m, 3) TEN(m, 4)
ALL(FRESH)
#define ADDRESS(k) fresh_##k,
static unsigned long (*const table[])(unsigned long) = {ALL(ADDRESS)};

__attribute__((noinline)) static unsigned long by_name(unsigned long n) {
  switch (n % 4) {
  case 0: return fresh_11(n);
  case 1: return fresh_22(n);
  case 2: return fresh_33(n);
  default: return fresh_44(n);
  }
}

static void on_tick(int number) {
  const unsigned long tick = (unsigned long)ticks;
  if (tick < FUNCTIONS)
    sum = sum * 31 + table[tick](tick) + by_name(tick + 1) + (unsigned long)(number == SIGALRM);
  ticks++;
}

static void set_timer(long microseconds) {
  struct itimerval every = {{0, microseconds}, {0, microseconds}};
  if (setitimer(ITIMER_REAL, &every, NULL) != 0)
    exit(2);
}

static int compare(const void *left, const void *right) { return *(const int *)left - *(const int *)right; }

static void in_malloc(void) {
  void *kept[16];
  for (int i = 0; i < 16; i++)
    memset(kept[i] = malloc((size_t)(i * 977 % 5000 + 1)), i, 1);
  for (int i = 0; i < 16; i++)
    kept[i] = realloc(kept[i], (size_t)(i * 3001 % 9000 + 1));
  for (int i = 0; i < 16; i++)
    free(kept[i]);
}

static void in_stdio(FILE *file) {
  for (int i = 0; i < 50; i++)
    fprintf(file, "%d %s %g\n", i, "line", i * 0.5);
  rewind(file);
}

static void in_dynamic_linker(void) {
  void *library = dlopen("libm.so.6", RTLD_NOW);
  if (!library || !dlsym(library, "cos") || dlsym(library, "no such name"))
    exit(3);
  dlclose(library);
}

static void in_qsort(void) {
  int numbers[64];
  for (int i = 0; i < 64; i++)
    numbers[i] = i * 37 % 64;
  qsort(numbers, 64, sizeof *numbers, compare);
  if (numbers[5] != 5)
    exit(4);
}

__attribute__((noinline)) static unsigned own_code(unsigned n) { return n < 2 ? n : own_code(n - 1) + own_code(n - 2); }

int main(void) {
  FILE *file = tmpfile();
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  action.sa_flags = SA_RESTART;
  if (!file || sigaction(SIGALRM, &action, NULL) != 0)
    return 2;
  set_timer(400);
  for (int place = 0; place < PLACES; place++) {
    const int until = (place + 1) * (FUNCTIONS / PLACES);
    unsigned checked = 0;
    while (ticks < until)
      switch (place) {
      case 0: in_malloc(); break;
      case 1: in_stdio(file); break;
      case 2: in_dynamic_linker(); break;
      case 3: in_qsort(); break;
      default: checked = own_code(10); break;
      }
    if (checked != 0 && checked != 55)
      return 5;
    printf("place %d is done\n", place);
  }
  set_timer(0);
  printf("sum %lx\n", sum);
  return 0;
}
