// Check that signal handlers, program functions called from them, and siglongjmp out of them survive replaced frames.
//
// Below the handler's frame lies the kernel's signal frame, then libc's raise, then program frames: all of the
// program's frames on both sides may be replaced. Signals arrive only by raise(), so the order is fixed.

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static volatile sig_atomic_t handled[3], nested;
static uint32_t handler_hash = 1;
static sigjmp_buf escape;

static uint32_t collatz_steps(uint32_t n) { return n <= 1 ? 0 : 1 + collatz_steps(n % 2 ? 3 * n + 1 : n / 2); }

static uint32_t mix(uint32_t hash, uint32_t value) { return (hash << 5 | hash >> 27) ^ value * 2654435761u; }

static void install(int number, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  if (sigaction(number, &action, NULL) != 0)
    exit(2);
}

// Calls back into the program, several frames deep.
static void count_signal(int number) {
  handled[0]++;
  handler_hash = mix(handler_hash, collatz_steps(7 + (uint32_t)handled[0] % 20) + (uint32_t)number);
}

// With SA_NODEFER the handler may be entered while it runs: signal frames nest.
static void nest(int number) {
  handled[1]++;
  int level = ++nested;
  uint32_t before = collatz_steps((uint32_t)level + 20);
  if (level < 5)
    raise(number);
  handler_hash = mix(handler_hash, before + (uint32_t)level);
  nested = level - 1;
}

static void describe(int number, siginfo_t *info, void *context) {
  handled[2]++;
  handler_hash = mix(handler_hash, (uint32_t)(info->si_signo == number && info->si_pid > 0 && context != NULL));
}

static void jump_out(int number) {
  handler_hash = mix(handler_hash, (uint32_t)number);
  siglongjmp(escape, 1 + (int)(collatz_steps(27) % 7));
}

// The values of these frames must come back unharmed after handlers have run on top of them.
static uint32_t raise_at_depth(int depth, int number) {
  uint32_t a = (uint32_t)depth * 3, b = (uint32_t)depth ^ 0x55, c = collatz_steps((uint32_t)depth + 1);
  double d = depth * 0.5;
  if (depth == 0) {
    raise(number);
    return a + b + c;
  }
  uint32_t below = raise_at_depth(depth - 1, number);
  if (depth % 8 == 0)
    raise(number);
  return mix(below, a + b + c) + (uint32_t)d;
}

static uint32_t never_returns(int depth, int number) {
  if (depth == 0) {
    raise(number);
    return 1000000; // not reached: the handler jumps away
  }
  return never_returns(depth - 1, number) + 1;
}

static int is_blocked(int number) {
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  return sigismember(&now, number);
}

static uint32_t jump_from_depth(int depth) {
  volatile uint32_t attempts = 0;
  int status = sigsetjmp(escape, 1);
  attempts = attempts + 1;
  if (attempts < 4)
    return never_returns(depth, SIGUSR1);
  return attempts * 10 + (uint32_t)status + (uint32_t)is_blocked(SIGUSR1) * 1000;
}

// A blocked signal is delivered when the mask is lifted, from inside sigprocmask.
static uint32_t deliver_late(void) {
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, &old);
  int before = handled[0];
  raise(SIGUSR2);
  raise(SIGUSR2); // merges with the first
  int during = handled[0];
  sigprocmask(SIG_SETMASK, &old, NULL);
  return (uint32_t)(during - before) * 100 + (uint32_t)(handled[0] - before);
}

int main(int argc, char **argv) {
  int rounds = 5 + 2 * read_scale(argc, argv);
  uint32_t hash = 1, jumps = 0, late = 0;

  for (int round = 0; round < rounds; round++) {
    install(SIGUSR2, count_signal, SA_RESTART);
    hash = mix(hash, raise_at_depth(round % 40, SIGUSR2));
    late += deliver_late();
    install(SIGUSR2, nest, SA_NODEFER);
    hash = mix(hash, raise_at_depth(round % 10, SIGUSR2));
    install(SIGUSR1, jump_out, 0);
    jumps += jump_from_depth(round % 30);
    struct sigaction informed = {.sa_sigaction = describe, .sa_flags = SA_SIGINFO};
    sigaction(SIGURG, &informed, NULL);
    hash = mix(hash, raise_at_depth(3, SIGURG));
  }
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
  printf("%d rounds: handled %d, nested %d, informed %d\n", rounds, (int)handled[0], (int)handled[1], (int)handled[2]);
  printf("hash %08x, in handlers %08x, jumps %u, late %u\n", hash, handler_hash, jumps, late);
  return 0;
}
