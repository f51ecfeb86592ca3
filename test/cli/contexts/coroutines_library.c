// Changes stacks for others.
#include <stdlib.h>
#include <ucontext.h>

static ucontext_t outside, inside;
static void (*work)(void *);
static void *argument;
static int is_over;

static void run(void) {
  work(argument);
  is_over = 1;
}

void start_coroutine(void (*work_)(void *), void *argument_) {
  work = work_;
  argument = argument_;
  is_over = 0;
  getcontext(&inside);
  inside.uc_stack.ss_sp = malloc(64 * 1024);
  inside.uc_stack.ss_size = 64 * 1024;
  inside.uc_link = &outside;
  makecontext(&inside, run, 0);
}

int resume_coroutine(void) {
  swapcontext(&outside, &inside);
  if (is_over)
    free(inside.uc_stack.ss_sp);
  return !is_over;
}

void leave_coroutine(void) { swapcontext(&inside, &outside); }
