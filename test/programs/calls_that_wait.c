// Check that calls wait for functions that touch no memory and end only by a signal, whether or not somebody reads what they return.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static sigjmp_buf back;
static const unsigned long steps[] = {1, 3, 5, 7};
static unsigned long changing[] = {2, 4, 6, 9};

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void leave(int number) { siglongjmp(back, number); }

static void begin_time(void) {
  const struct itimerval soon = {{0, 0}, {0, 2000}};
  setitimer(ITIMER_REAL, &soon, NULL);
}

// The sums are odd, always: what follows the loops is never reached.
__attribute__((noinline)) static unsigned long wait_in_registers(unsigned long step) {
  for (unsigned long sum = 1;; sum = sum * (2 * step + 1))
    if (sum == 0)
      return step;
}

__attribute__((noinline)) static unsigned long wait_by_constants(unsigned long step) {
  for (unsigned long sum = 1;; sum = sum * steps[sum / 2 % 4])
    if (sum == 0)
      return step;
}

__attribute__((noinline)) static unsigned long wait_by_variables(unsigned long step) {
  for (unsigned long sum = 1;; sum = sum * (2 * changing[sum % 4] + 1))
    if (sum == 0)
      return step;
}

__attribute__((noinline)) static void wait_for_nothing(void) {
  for (unsigned sum = 1;; ++sum)
    if (sum == 0)
      sum = 1;
}

/// Through another function that does nothing else.
__attribute__((noinline)) static unsigned long wait_in_depth(unsigned long left) {
  return left == 0 ? wait_in_registers(3) : wait_in_depth(left - 1) + 1;
}

__attribute__((noinline)) static void wait_unread(unsigned kind) {
  switch (kind % 6) {
  case 0: wait_in_registers(kind); break;
  case 1: wait_by_constants(kind); break;
  case 2: wait_by_variables(kind); break;
  case 3: wait_for_nothing(); break;
  case 4: wait_in_depth(kind); break;
  default: {
    const unsigned long unread = wait_in_registers(kind) * 3 + kind; // as are its uses
    (void)unread;
  }
  }
  printf("kind %u did not wait\n", kind);
}

/// A function whose frame is never replaced.
__attribute__((noinline)) static void wait_pinned(unsigned kind, ...) {
  va_list arguments;
  va_start(arguments, kind);
  const unsigned more = va_arg(arguments, unsigned);
  va_end(arguments);
  if (more % 2)
    wait_by_variables(more);
  else
    wait_in_registers(kind);
  printf("pinned, kind %u did not wait\n", kind);
}

int main(int argc, char **argv) {
  const int rounds = 8 + read_scale(argc, argv) / 4;
  struct sigaction action = {.sa_handler = leave};
  sigaction(SIGALRM, &action, NULL);
  volatile unsigned left = 0;
  for (volatile int round = 0; round < rounds; ++round) {
    if (sigsetjmp(back, 1) == 0) {
      begin_time();
      if (round % 4 == 3)
        wait_pinned((unsigned)round, (unsigned)round / 4);
      else
        wait_unread((unsigned)round);
    } else {
      ++left;
    }
  }
  printf("%u of %d calls were left by the signal\n", left, rounds);
}
