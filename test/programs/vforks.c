// Check that children of vfork run functions for the first time, in their parent's memory, and end or execute a program, from
// depth and in several threads; and that the parent goes on.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int Step(int);

/// Each of these is called by one child only, and compiled there.
#define STEP(name, rest) static int name(int n) { return n < 3 ? n + 1 : (name(n - 1) * 3 + rest) % 101; }
STEP(step0, 1) STEP(step1, 5) STEP(step2, 7) STEP(step3, 11) STEP(step4, 13) STEP(step5, 17) STEP(step6, 19) STEP(step7, 23)
static Step *const steps[] = {step0, step1, step2, step3, step4, step5, step6, step7};
enum { STEPS = sizeof steps / sizeof *steps };

static int execute(const char *path, int status, int *failed) {
  char text[32];
  snprintf(text, sizeof text, "exit %d", status);
  execl(path, "sh", "-c", text, (char *)0);
  *failed = errno; // seen by the parent
  _exit(100);
}

static int run_child(int number) {
  volatile int failed = 0;
  const pid_t child = vfork();
  if (child == 0) {
    const int status = steps[number % STEPS](number % 13);
    if (number % 4 == 0)
      execute(number % 8 == 0 ? "/bin/sh" : "/nowhere/sh", status, (int *)&failed);
    _exit(status);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return -1;
  return WEXITSTATUS(status) + (failed == ENOENT ? 1000 : 0);
}

static int from_depth(int depth, int number) {
  if (depth == 0)
    return run_child(number);
  const int below = from_depth(depth - 1, number);
  return below < 0 ? below : below + depth % 3;
}

static void *several(void *argument) {
  long first = (long)argument, sum = 0;
  for (long i = 0; i < 12; ++i)
    sum = sum * 7 + from_depth((int)i % 5, (int)(first + i));
  return (void *)sum;
}

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? 2 + atoi(argv[1]) / 10 : 12;
  long sum = 0;
  for (int i = 0; i < rounds; ++i)
    sum = sum * 31 + from_depth(i % 9, i);
  printf("alone: %ld\n", sum);
  pthread_t threads[3];
  for (long i = 0; i < 3; ++i)
    pthread_create(&threads[i], 0, several, (void *)(i * 2));
  for (int i = 0; i < 3; ++i) {
    void *result;
    pthread_join(threads[i], &result);
    printf("thread %d: %ld\n", i, (long)result);
  }
  return 0;
}
