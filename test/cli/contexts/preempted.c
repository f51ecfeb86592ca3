// User-level threads that a timer preempts: its handler changes stacks.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <ucontext.h>

enum { TASKS = 4, STACK = 256 * 1024, SWITCHES = 40 };

static ucontext_t scheduler, tasks[TASKS];
static volatile int running = -1, ended[TASKS], switches;
static unsigned long results[TASKS];

static int is_on_stack_of(int number) {
  const char here = 0, *low = tasks[number].uc_stack.ss_sp;
  return &here >= low && &here < low + STACK;
}

static void tick(int signal_) {
  const int number = running;
  if (number >= 0 && is_on_stack_of(number)) {
    ++switches;
    swapcontext(&tasks[number], &scheduler);
  }
}

static void mask(int how) {
  sigset_t timer;
  sigemptyset(&timer);
  sigaddset(&timer, SIGALRM);
  sigprocmask(how, &timer, 0);
}

static unsigned long fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

/// For as long as it takes to be preempted often enough.
static void task(int number) {
  do
    results[number] = fib(18 + (unsigned)number);
  while (switches < SWITCHES);
  mask(SIG_BLOCK);
  ended[number] = 1;
}

int main(void) {
  mask(SIG_BLOCK);
  signal(SIGALRM, tick);
  for (int i = 0; i < TASKS; ++i) {
    getcontext(&tasks[i]);
    sigdelset(&tasks[i].uc_sigmask, SIGALRM);
    tasks[i].uc_stack.ss_sp = malloc(STACK);
    tasks[i].uc_stack.ss_size = STACK;
    tasks[i].uc_link = &scheduler;
    makecontext(&tasks[i], (void (*)(void))task, 1, i);
  }
  const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, 0);
  for (int left = TASKS; left;) {
    left = 0;
    for (int i = 0; i < TASKS; ++i)
      if (!ended[i]) {
        ++left;
        running = i;
        swapcontext(&scheduler, &tasks[i]);
        running = -1;
      }
  }
  setitimer(ITIMER_REAL, &never, 0);
  for (int i = 0; i < TASKS; ++i)
    printf("%lu\n", results[i]);
  return 0;
}
