// Check that a handler sees the whole stack, whichever instruction its signal interrupts: calls, entries, transitions.
//
// As profilers do that run within a program: a timer's handler asks for a backtrace, which has to reach the frames that were
// there before the timer ran. Calls by pointer, of small functions, mostly; so are most of the instructions that are interrupted.

#define _GNU_SOURCE
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { depth = 30, most = 200 };

static volatile sig_atomic_t looked, whole;
static int wanted;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void look(int number) {
  (void)number;
  void *pcs[most];
  ++looked;
  if (backtrace(pcs, most) >= depth)
    ++whole;
}

typedef unsigned operation(unsigned, unsigned);

__attribute__((noinline)) static unsigned add(unsigned a, unsigned b) { return a + b; }
__attribute__((noinline)) static unsigned mix(unsigned a, unsigned b) { return a * 31 ^ b >> 3; }
__attribute__((noinline)) static unsigned length(unsigned a, unsigned b) {
  char text[16];
  snprintf(text, sizeof text, "%u", a % 1000 + b % 10);
  return (unsigned)strlen(text);
}
static unsigned again(unsigned a, unsigned b);

static operation *const volatile operations[] = {add, mix, again, length};

/// Mutual recursion through a table.
__attribute__((noinline)) static unsigned again(unsigned a, unsigned b) {
  return a % 8 == 0 ? b : operations[a % 3](a / 2 * 2 - 2, b) + operations[b % 2](b, a);
}

__attribute__((noinline)) static unsigned interrupted(void) {
  const struct itimerval often = {{0, 400}, {0, 400}}, never = {{0, 0}, {0, 0}};
  unsigned sum = 1;
  setitimer(ITIMER_REAL, &often, NULL);
  for (unsigned i = 0; looked < wanted; ++i)
    sum = operations[i % 4](sum, i);
  setitimer(ITIMER_REAL, &never, NULL);
  return sum;
}

static unsigned descend(int left);
static unsigned (*volatile further)(int) = descend;

__attribute__((noinline)) static unsigned descend(int left) {
  const unsigned below = left == 0 ? interrupted() : further(left - 1);
  return mix(below, 1) | 1;
}

int main(int argc, char **argv) {
  const int scale = read_scale(argc, argv);
  wanted = 60 + 2 * scale;
  void *first[4];
  backtrace(first, 4); // loads the unwinder, which a handler must not

  struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  const unsigned result = descend(depth);
  printf("%s, %s\n", looked == whole ? "each backtrace was whole" : "backtraces were cut short", result & 1 ? "odd" : "even");
  return 0;
}
