// Handlers that a library installs call functions for the first time, while the program is in malloc and in stdio.
#include <stdio.h>
#include <stdlib.h>

void ticks_call(void (*function)(void *), void *with, long microseconds);
void ticks_handle(void (*handler)(int), long microseconds);
void ticks_stop(void);

enum { STEPS = 24 };

struct counted {
  volatile int ticks;
  unsigned long hash;
};

#define STEP(k)                                                                                                        \
  __attribute__((noinline)) static unsigned long inner_##k(unsigned long x) { return x * k + 1; }                     \
  __attribute__((noinline)) static unsigned long step_##k(unsigned long x) { return inner_##k(x) ^ (x >> k); }
#define EACH(m)                                                                                                        \
  m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15) m(16) m(17) m(18) m(19) m(20) m(21) \
      m(22) m(23) m(24)
EACH(STEP)
#define NAME(k) step_##k,
static unsigned long (*const steps[STEPS])(unsigned long) = {EACH(NAME)};

static struct counted called, handled;

static void advance(struct counted *counted, int reverse) {
  const int k = counted->ticks;
  if (k < STEPS)
    counted->hash = counted->hash * 33 + steps[reverse ? STEPS - 1 - k : k](counted->hash + 7);
  counted->ticks = k + 1;
}

static void on_call(void *counted) { advance(counted, 1); }
static void on_signal(int number) { advance(&handled, number < 0); }

static void allocate(const struct counted *until) {
  for (unsigned size = 1; until->ticks < STEPS; size = size * 7919 % 20011) {
    char *volatile block = malloc(size);
    block[0] = 1;
    free(realloc(block, size / 2 + 1));
  }
}

static void print(const struct counted *until) {
  FILE *file = tmpfile();
  while (until->ticks < STEPS) {
    fprintf(file, "%d %g\n", until->ticks, 0.25);
    rewind(file);
  }
  fclose(file);
}

int main(void) {
  ticks_call(on_call, &called, 500);
  allocate(&called);
  ticks_handle(on_signal, 500);
  print(&handled);
  ticks_stop();
  printf("%lx %lx\n", called.hash, handled.hash);
  return 0;
}
