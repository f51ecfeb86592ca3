// Stacks that the program makes itself: tasks that wait in the middle of a recursion while others run, and while code changes.
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { TASKS = 24, ROUNDS = 120, STACK = 64 * 1024 };

static ucontext_t scheduler, tasks[TASKS];
static int running, ended[TASKS], left = TASKS;
static unsigned long total;

static void give_way(void) { swapcontext(&tasks[running], &scheduler); }

static unsigned long descend(int depth, unsigned long value) {
  if (depth == 0) {
    give_way();
    return value;
  }
  const unsigned long below = descend(depth - 1, value * 31 + (unsigned long)depth);
  return below ^ (value >> 3) ^ (unsigned long)depth;
}

static void task(int number) {
  unsigned long value = (unsigned long)number;
  for (int i = 0; i < ROUNDS; ++i)
    value = descend(1 + i % 9, value) + (unsigned long)i;
  total = total * 1000003 + value;
  ended[number] = 1;
  --left;
}

static unsigned mix(unsigned rounds) {
  unsigned sum = 0;
  for (unsigned i = 0; i < rounds; ++i)
    sum = sum * 33 + (i ^ sum >> 5);
  return sum;
}

int main(void) {
  for (int i = 0; i < TASKS; ++i) {
    getcontext(&tasks[i]);
    tasks[i].uc_stack.ss_sp = malloc(STACK);
    tasks[i].uc_stack.ss_size = STACK;
    tasks[i].uc_link = &scheduler;
    makecontext(&tasks[i], (void (*)(void))task, 1, i);
  }
  unsigned sum = 0;
  while (left > 0)
    for (int i = 0; i < TASKS; ++i)
      if (!ended[i]) {
        running = i;
        swapcontext(&scheduler, &tasks[i]);
        sum += mix(4000);
      }
  printf("%lu %u\n", total, sum);
  return 0;
}
