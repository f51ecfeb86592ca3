// Check that a handler may leave by siglongjmp whatever the program is at: calls, returns into replaced frames, loops.
//
// A timer's handler jumps out of recursion, out of loops that call nothing, and out of a handler of another signal. No
// library function is interrupted: natively that would be forbidden.

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static sigjmp_buf out;
static volatile sig_atomic_t armed, nested;
static volatile uint64_t sink;

static void on_tick(int number) {
  (void)number;
  if (!armed)
    return;
  armed = 0;
  siglongjmp(out, 1);
}

__attribute__((noinline)) static uint64_t ways(unsigned n) { return n < 3 ? n : ways(n - 1) ^ (ways(n - 3) << 1); }

static void on_user_signal(int number) {
  nested++;
  armed = 1;
  for (;;)
    sink += ways(9) + (uint64_t)number;
}

static void in_recursion(void) {
  armed = 1;
  for (;;)
    sink += ways(13);
}

static void in_loop(void) {
  armed = 1;
  for (uint64_t n = 1;; n = n * 6364136223846793005u + 1442695040888963407u)
    sink ^= n >> 33;
}

static void in_nested_handler(void) { raise(SIGUSR1); }

static void set_timer(long microseconds) {
  struct itimerval every = {{0, microseconds}, {0, microseconds}};
  if (setitimer(ITIMER_REAL, &every, NULL) != 0)
    exit(2);
}

static void install(int number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  if (sigaction(number, &action, NULL) != 0)
    exit(2);
}

int main(int argc, char **argv) {
  const int jumps_wanted = argc > 1 && atoi(argv[1]) < 10 ? 12 : 60;
  void (*const places[])(void) = {in_recursion, in_loop, in_nested_handler};
  const uint64_t right = ways(10);
  install(SIGALRM, on_tick);
  install(SIGUSR1, on_user_signal);
  set_timer(300);
  for (unsigned place = 0; place < 3; place++) {
    volatile int jumps = 0;
    while (jumps < jumps_wanted) {
      if (sigsetjmp(out, 1) == 0)
        places[place]();
      jumps++;
      if (ways(10) != right)
        return 3;
    }
    printf("place %u: %d jumps\n", place, (int)jumps);
  }
  set_timer(0);
  printf("nested %s\n", nested == jumps_wanted ? "as often" : "not as often");
  return 0;
}
