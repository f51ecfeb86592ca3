#include <stdio.h>
#include <stdlib.h>

struct counter {
  struct counter *(*advance)(struct counter *);
  double step, count, limit;
};

static double value(struct counter *c) { return c->count; }

static struct counter *advance(struct counter *c) {
  c->count += c->step;
  return c;
}

static struct counter *advance_wrapping(struct counter *c) {
  if (value(c) + c->step > c->limit)
    c->count = 0;
  return advance(c);
}

__attribute__((noinline)) static double run(struct counter *c, double n) {
  for (double i = 0; i < n; i += 1) {
    c = c->advance(c);
    c = c->advance(c);
  }
  return value(c);
}

int main(void) {
  struct counter plain = {advance, 1, 0, 0}, wrapping = {advance_wrapping, 3, 0, 1000};
  printf("%g\n%g\n", run(&plain, 25000000), run(&wrapping, 25000000));
}
