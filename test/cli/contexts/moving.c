// Contexts that go on in other threads than before; and stacks that lie in a frame of main.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { TASKS = 40, THREADS = 3, ROUNDS = 200, STACK = 64 * 1024 };

typedef struct Task {
  ucontext_t context;
  unsigned long value;
  int ended;
  struct Task *next;
} Task;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static Task tasks[TASKS], *first, *last;
static int left = TASKS;
static __thread ucontext_t scheduler;
static __thread Task *now;

// Not inlined: the thread may be another one behind a change.
__attribute__((noinline)) static ucontext_t *own_scheduler(void) { return &scheduler; }
__attribute__((noinline)) static Task *own_task(void) { return now; }

static unsigned long descend(int depth, unsigned long value) {
  if (depth == 0) {
    swapcontext(&own_task()->context, own_scheduler());
    return value;
  }
  return descend(depth - 1, value * 31 + (unsigned long)depth) ^ (value >> 3) ^ (unsigned long)depth;
}

static void task(void) {
  unsigned long value = (unsigned long)(own_task() - tasks);
  for (int i = 0; i < ROUNDS; ++i)
    value = descend(1 + i % 6, value) + (unsigned long)i;
  own_task()->value = value;
  own_task()->ended = 1;
  setcontext(own_scheduler());
}

static void push(Task *task_) {
  task_->next = 0;
  if (first)
    last->next = task_;
  else
    first = task_;
  last = task_;
}

static void *work(void *nothing) {
  for (;;) {
    pthread_mutex_lock(&mutex);
    Task *next = first;
    if (next)
      first = next->next;
    const int is_over = left == 0;
    pthread_mutex_unlock(&mutex);
    if (is_over)
      return nothing;
    if (!next)
      continue;
    now = next;
    swapcontext(&scheduler, &next->context);
    pthread_mutex_lock(&mutex);
    if (next->ended)
      --left;
    else
      push(next);
    pthread_mutex_unlock(&mutex);
  }
}

static void add(int number) { tasks[0].value += (unsigned long)number; }

int main(void) {
  for (int i = 0; i < TASKS; ++i) {
    getcontext(&tasks[i].context);
    tasks[i].context.uc_stack.ss_sp = malloc(STACK);
    tasks[i].context.uc_stack.ss_size = STACK;
    tasks[i].context.uc_link = 0;
    makecontext(&tasks[i].context, task, 0);
    push(&tasks[i]);
  }
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; ++i)
    pthread_create(&threads[i], 0, work, 0);
  for (int i = 0; i < THREADS; ++i)
    pthread_join(threads[i], 0);
  char in_a_frame[STACK];
  for (int i = 0; i < 200; ++i) {
    ucontext_t before, context;
    getcontext(&context);
    context.uc_stack.ss_sp = in_a_frame;
    context.uc_stack.ss_size = sizeof in_a_frame;
    context.uc_link = &before;
    makecontext(&context, (void (*)(void))add, 1, i);
    swapcontext(&before, &context);
  }
  unsigned long sum = 0;
  for (int i = 0; i < TASKS; ++i)
    sum = sum * 31 + tasks[i].value;
  printf("%lu\n", sum);
  return 0;
}
