// Check that a program goes on when main leaves by pthread_exit, and ends with its handlers after the last thread.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long total;

static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static void at_end(void) { printf("total %ld, and %d\n", (long)total, fib(15)); }

static void *work(void *argument) {
  long number = (long)argument;
  int local[4] = {0};
  for (int i = 0; i < 16; ++i)
    local[i % 4] += fib(10 + (int)(number + i) % 6);
  total += local[0] + 2 * local[1] + 3 * local[2] + 5 * local[3];
  return NULL;
}

static void leave(int depth) {
  volatile int kept = depth; // frames with objects are left behind
  if (depth == 0)
    pthread_exit(NULL);
  leave(depth - 1);
  printf("never %d\n", kept);
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  atexit(at_end);
  for (long i = 0; i < 3 + scale; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, (void *)i) != 0)
      return 1;
    pthread_detach(thread);
  }
  leave(40);
}
