// Its functions are called by threads that it did not make: those of pool_library.c, and those of the C library's timers.
#define _GNU_SOURCE
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef void Task(void *argument);
void pool_start(void);
void pool_add(Task *task, void *argument);
void pool_wait(void);
void pool_end(void);

enum { tasks = 100, notices = 5 };

static _Thread_local int own;
static unsigned long results[tasks];
static sem_t noticed;
static unsigned long expected_notice;
static int wrong_notices;

static int compare(const void *left, const void *right) { return *(const int *)left - *(const int *)right; }

// The address of a local is taken at each depth.
__attribute__((noinline)) static unsigned long recurse(int depth, unsigned long *sum) {
  unsigned long here = *sum * 31 + (unsigned long)depth;
  if (depth > 0)
    return recurse(depth - 1, &here) ^ here;
  int numbers[16];
  for (int i = 0; i < 16; i++)
    numbers[i] = (int)(here >> i) & 0xff;
  qsort(numbers, 16, sizeof *numbers, compare);
  for (int i = 0; i < 16; i++)
    here = here * 7 + (unsigned long)numbers[i];
  return here;
}

static void task(void *argument) {
  unsigned long *result = argument;
  own = 5;
  *result = recurse(60, result);
  *result += (unsigned long)own;
  if (*result % 4 == 0)
    pool_add(task, argument); // from a thread of the library
}

static void notice(union sigval value) {
  unsigned long start = (unsigned long)value.sival_int;
  if (recurse(30, &start) != expected_notice)
    __atomic_fetch_add(&wrong_notices, 1, __ATOMIC_RELAXED);
  sem_post(&noticed);
}

static void wait_for_notices(void) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notice, .sigev_value.sival_int = 3};
  struct itimerspec period = {{0, 20000000}, {0, 20000000}};
  timer_t timer;
  sem_init(&noticed, 0, 0);
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &period, NULL) != 0)
    exit(2);
  for (int i = 0; i < notices; i++)
    while (sem_wait(&noticed) != 0)
      ;
  timer_delete(timer);
}

int main(void) {
  unsigned long sum = 0, start = 3;
  expected_notice = recurse(30, &start);
  pool_start();
  for (int i = 0; i < tasks; i++) {
    results[i] = (unsigned long)i;
    pool_add(task, &results[i]);
  }
  wait_for_notices();
  pool_wait();
  pool_end();
  for (int i = 0; i < tasks; i++)
    sum = sum * 31 + results[i];
  printf("%016lx, wrong notices: %d\n", sum, wrong_notices);
  return 0;
}
