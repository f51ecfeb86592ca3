// Check that children which come without the C library's fork (_Fork, clone, system calls) run functions for the first time, return
// through their parent's frames, fork again, throw contexts away and execute programs; from depth, from handlers, beside threads.
#define _GNU_SOURCE
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t _Fork(void); // of 2.34

typedef int Step(int);

/// Each of these is called by one child only, and compiled there.
#define STEP(name, rest) static int name(int n) { return n < 3 ? n + 1 : (name(n - 1) * 3 + rest) % 101; }
#define STEPS(set) STEP(set##0, 1) STEP(set##1, 5) STEP(set##2, 7) STEP(set##3, 11) STEP(set##4, 13) STEP(set##5, 17)
STEPS(first) STEPS(second) STEPS(third)
#define NAMES(set) set##0, set##1, set##2, set##3, set##4, set##5
static Step *const steps[] = {NAMES(first), NAMES(second), NAMES(third)};
enum { COUNT = sizeof steps / sizeof *steps, WAYS = 6 };

static int depth_first(int number, int n) {
  return n == 0 ? steps[number % COUNT](number % 11) : (depth_first(number, n - 1) * 5 + n) % 97;
}

static jmp_buf out;
static int thrown(int number) {
  if (number > 3)
    longjmp(out, number % 50 + 1);
  return depth_first(number, number);
}

static int end_of(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return -1000;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct Task {
  int number, nested;
};

static int run_task(const struct Task *task);

static int on_own_stack(void *given) { return run_task(given); }

/// 0: in the child. Where the child runs on a stack of its own, this does not return in it.
static pid_t make_child(int way, struct Task *task, char *stack, size_t size) {
  struct clone_args wanted = {.exit_signal = SIGCHLD};
  switch (way % WAYS) {
  case 0: return _Fork();
  case 1: return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  case 2: return (pid_t)syscall(SYS_clone3, &wanted, sizeof wanted);
  case 3: return clone(on_own_stack, stack + size, SIGCHLD, task);
  case 4: return (pid_t)syscall(SYS_fork);
  default: return fork();
  }
}

static int run_child(int way, int number, int nested) {
  enum { SIZE = 128 << 10 };
  _Alignas(16) char stack[SIZE]; // not of the heap, whose locks may be held for ever
  struct Task task = {number, nested};
  const pid_t child = make_child(way, &task, stack, SIZE);
  if (child == 0)
    _exit(run_task(&task));
  return end_of(child);
}

static int run_task(const struct Task *task) {
  const int number = task->number;
  if (number % 5 == 4) {
    char text[32];
    snprintf(text, sizeof text, "exit %d", depth_first(number, 3) % 90);
    execl("/bin/sh", "sh", "-c", text, (char *)0);
    return 120;
  }
  int result = setjmp(out);
  if (result == 0)
    result = thrown(number % 7);
  if (task->nested > 0)
    result += run_child(number, number * 3 + 1, task->nested - 1);
  return (result + depth_first(number + 1, 9)) % 100;
}

static int from_depth(int depth, int way, int number) {
  if (depth == 0)
    return run_child(way, number, 1);
  const int below = from_depth(depth - 1, way, number);
  return below < 0 ? below : below + depth % 3;
}

/// The child goes back through its parent's frames.
static int child_returns(int depth, int way, pid_t *child) {
  if (depth == 0)
    *child = make_child(way % 3, NULL, NULL, 0);
  const int below = depth == 0 ? 1 : child_returns(depth - 1, way, child);
  return (below * 7 + depth_first(depth, depth % 4)) % 93;
}

static volatile pid_t child_of_handler;
static void on_signal(int number) {
  const pid_t child = _Fork();
  if (child == 0)
    _exit(depth_first(number + 3, 6) % 100);
  child_of_handler = child;
}

static volatile int is_over;
static void *disturb(void *argument) {
  unsigned *sum = argument;
  for (unsigned i = 0; !is_over; ++i) {
    char *block = malloc(100 + i % 5000);
    block[i % 100] = (char)i;
    *sum = *sum * 31 + (unsigned)depth_first((int)(i % COUNT), (int)(i % 7)) + (unsigned char)block[i % 100];
    free(block);
  }
  return NULL;
}

static void fork_in_all_ways(const char *when, int rounds) {
  for (int way = 0; way < WAYS; ++way) {
    long sum = 0;
    for (int i = 0; i < rounds; ++i)
      sum = sum * 31 % 1000003 + from_depth(i % 9, way, i);
    pid_t child = -1;
    const int returned = child_returns(way + 2, way, &child);
    if (child == 0)
      _exit(returned);
    const int status = end_of(child);
    raise(SIGUSR1);
    printf("%s, way %d: %ld, returned %d and %d, from a handler %d\n", when, way, sum, returned, status, end_of(child_of_handler));
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? 2 + atoi(argv[1]) / 20 : 7;
  signal(SIGUSR1, on_signal);
  fork_in_all_ways("alone", rounds);
  pthread_t threads[2];
  unsigned sums[2] = {0};
  for (int i = 0; i < 2; ++i)
    pthread_create(&threads[i], NULL, disturb, &sums[i]);
  fork_in_all_ways("beside threads", (rounds + 1) / 2);
  is_over = 1;
  for (int i = 0; i < 2; ++i)
    pthread_join(threads[i], NULL);
  printf("%d\n", from_depth(4, 5, 2));
  return 0;
}
