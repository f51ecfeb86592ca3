// Check that a work-stealing scheduler (Chase-Lev deques, tasks that spawn tasks) survives replaced frames.
//
// Which thread runs a task depends on time; that each runs exactly once and what they add up to does not.

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { workers = 4, slots = 1024 };

typedef struct Task {
  void (*run)(struct Task *, int worker);
  uint32_t low, high;
} Task;

typedef struct {
  atomic_long top, bottom;
  _Atomic(Task *) ring[slots];
} Deque;

static Deque deques[workers];
static atomic_long pending;
static atomic_uint_fast64_t sum, tasks_run;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static int push(Deque *deque, Task *task) {
  long bottom = atomic_load(&deque->bottom);
  if (bottom - atomic_load(&deque->top) >= slots - 1)
    return 0;
  atomic_store(&deque->ring[bottom % slots], task);
  atomic_store(&deque->bottom, bottom + 1);
  return 1;
}

static Task *pop(Deque *deque) {
  long bottom = atomic_load(&deque->bottom) - 1;
  atomic_store(&deque->bottom, bottom);
  long top = atomic_load(&deque->top);
  if (top > bottom) {
    atomic_store(&deque->bottom, bottom + 1);
    return NULL;
  }
  Task *task = atomic_load(&deque->ring[bottom % slots]);
  if (top == bottom) {
    if (!atomic_compare_exchange_strong(&deque->top, &top, top + 1))
      task = NULL;
    atomic_store(&deque->bottom, bottom + 1);
  }
  return task;
}

static Task *steal(Deque *deque) {
  long top = atomic_load(&deque->top);
  if (top >= atomic_load(&deque->bottom))
    return NULL;
  Task *task = atomic_load(&deque->ring[top % slots]);
  return atomic_compare_exchange_strong(&deque->top, &top, top + 1) ? task : NULL;
}

static uint32_t collatz(uint64_t n) {
  uint32_t steps = 0;
  for (; n > 1; n = n % 2 ? 3 * n + 1 : n / 2)
    steps++;
  return steps;
}

static void run_range(Task *task, int worker);

static void spawn(uint32_t low, uint32_t high, int worker) {
  Task *task = malloc(sizeof *task);
  *task = (Task){run_range, low, high};
  atomic_fetch_add(&pending, 1);
  if (!push(&deques[worker], task))
    run_range(task, worker);
}

// Halves until the range is small.
static void run_range(Task *task, int worker) {
  uint32_t low = task->low, high = task->high;
  free(task);
  if (high - low > 16) {
    uint32_t middle = low + (high - low) / 2;
    spawn(low, middle, worker);
    spawn(middle, high, worker);
  } else {
    uint64_t steps = 0;
    for (uint32_t n = low; n < high; n++)
      steps += collatz(n);
    atomic_fetch_add(&sum, steps);
  }
  atomic_fetch_add(&tasks_run, 1);
  atomic_fetch_sub(&pending, 1);
}

static Task *find_task(int worker) {
  Task *task = pop(&deques[worker]);
  for (int i = 1; !task && i < workers; i++)
    task = steal(&deques[(worker + i) % workers]);
  return task;
}

static void *work(void *argument) {
  int worker = (int)(intptr_t)argument;
  while (atomic_load(&pending) > 0) {
    Task *task = find_task(worker);
    if (task)
      task->run(task, worker);
    else
      sched_yield();
  }
  return NULL;
}

int main(int argc, char **argv) {
  uint32_t scale = (uint32_t)read_scale(argc, argv), numbers = 1500 * scale * (1 + scale / 4);
  pthread_t threads[workers];
  spawn(1, numbers, 0);
  for (intptr_t i = 0; i < workers; i++)
    pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < workers; i++)
    pthread_join(threads[i], NULL);
  printf("%llu tasks, %llu steps, %ld pending\n", (unsigned long long)tasks_run, (unsigned long long)sum, pending);
  return 0;
}
