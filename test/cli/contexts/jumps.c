// Stacks that are made by makecontext and changed by _longjmp, as libraries of coroutines do; and getcontext to come back to.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { TASKS = 16, STACK = 128 * 1024, ROUNDS = 600 };

static jmp_buf scheduler, places[TASKS];
static ucontext_t creator, made[TASKS];
static int running, ended[TASKS];
static unsigned long results[TASKS];
static volatile int rounds;

static void give_way(void) {
  if (!_setjmp(places[running]))
    _longjmp(scheduler, 1);
}

static unsigned long descend(int depth, unsigned long value) {
  if (depth == 0) {
    give_way();
    return value + 1;
  }
  return descend(depth - 1, value * 33 + (unsigned long)depth) ^ (value >> 5);
}

static void task(void) {
  const int self = running;
  if (!_setjmp(places[self]))
    swapcontext(&made[self], &creator);
  unsigned long value = (unsigned long)self;
  for (int i = 0; i < ROUNDS; ++i)
    value = descend(1 + i % 7, value);
  results[self] = value;
  ended[self] = 1;
  _longjmp(scheduler, 1);
}

static void go_on(int number) {
  running = number;
  if (!_setjmp(scheduler))
    _longjmp(places[number], 1);
}

static void create(int number) {
  getcontext(&made[number]);
  made[number].uc_stack.ss_sp = malloc(STACK);
  made[number].uc_stack.ss_size = STACK;
  made[number].uc_link = 0;
  makecontext(&made[number], task, 0);
  running = number;
  swapcontext(&creator, &made[number]);
}

int main(void) {
  for (int i = 0; i < TASKS; ++i)
    create(i);
  for (int left = TASKS; left;) {
    left = 0;
    for (int i = 0; i < TASKS; ++i)
      if (!ended[i]) {
        go_on(i);
        left += !ended[i];
      }
  }
  unsigned long sum = 0;
  for (int i = 0; i < TASKS; ++i)
    sum = sum * 31 + results[i];
  ucontext_t here;
  getcontext(&here);
  if (rounds++ < 5)
    setcontext(&here);
  printf("%lu %d\n", sum, rounds);
  return 0;
}
