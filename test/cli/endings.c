// Check that a program ends as it would natively, from the bottom of a recursion: argv[1] says how.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void at_exit(void) { printf("at exit\n"); }

static void at_quick_exit_too(void) {
  printf("at quick exit\n");
  fflush(stdout);
}

static int end(const char *how) {
  if (strcmp(how, "exit") == 0)
    exit(3);
  if (strcmp(how, "_exit") == 0)
    _exit(4);
  if (strcmp(how, "_Exit") == 0)
    _Exit(5);
  if (strcmp(how, "quick_exit") == 0)
    quick_exit(6);
  if (strcmp(how, "abort") == 0)
    abort();
  if (strcmp(how, "SIGTERM") == 0)
    raise(SIGTERM);
  if (strcmp(how, "SIGKILL") == 0)
    kill(getpid(), SIGKILL);
  if (strcmp(how, "SIGSEGV") == 0)
    *(volatile int *)8 = 1;
  if (strcmp(how, "SIGILL") == 0)
    __builtin_trap();
  return 7; // "return"
}

__attribute__((noinline)) static int deep(int depth, const char *how) {
  if (depth == 0)
    return end(how);
  volatile int result = deep(depth - 1, how); // so that no compiler makes a loop of it
  return result;
}

int main(int argc, char **argv) {
  atexit(at_exit);
  at_quick_exit(at_quick_exit_too);
  printf("start\n");
  fflush(stdout);
  return deep(10, argc > 1 ? argv[1] : "return");
}
