// Check that children of fork run, exit with handlers and statuses of their own, and leave the parent as it was.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int child_number;

static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static int mixed(int n) { return n < 2 ? n : mixed(n - 1) * 3 % 7 + mixed(n - 2); }

static void at_end(void) {
  if (child_number)
    _exit(child_number + mixed(6) % 8); // a handler of the child decides
}

static int run_child(int number) {
  fflush(stdout); // else the child prints it again
  pid_t child = fork();
  if (child == 0) {
    int local[8] = {number};
    for (int i = 1; i < 8; ++i)
      local[i] = local[i - 1] + fib(i);
    child_number = number % 3 == 0 ? number % 50 + 1 : 0;
    exit((fib(10 + number % 4) + local[7]) % 100);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return -1;
  return WEXITSTATUS(status);
}

static int nested(int depth) {
  if (depth == 0)
    return run_child(7);
  return nested(depth - 1) + fib(depth % 9);
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  atexit(at_end);
  long sum = 0;
  for (int i = 0; i < 4 + scale; ++i)
    sum = sum * 31 % 1000003 + run_child(i) + fib(i % 12);
  printf("%ld %d\n", sum, nested(20));
  return 0;
}
