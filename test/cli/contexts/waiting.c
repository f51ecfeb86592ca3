// Many contexts that wait, each some activations deep, on stacks that are small; begun with more arguments than registers take. Each
// goes on when a line has come. Those that are given up leave memory that is gone, or something else.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { STACK = 16 * 1024, DEPTH = 4 };

typedef struct {
  ucontext_t context;
  unsigned long value;
  char *stack;
} Task;

static ucontext_t scheduler;
static Task *now;

static unsigned long descend(int depth, unsigned long value) {
  if (depth == 0) {
    swapcontext(&now->context, &scheduler);
    return value;
  }
  const unsigned long below = descend(depth - 1, value * 31 + (unsigned long)depth);
  return below ^ (value >> 3) ^ (unsigned long)depth;
}

static void task(int low, int high, int a, int b, int c, int d, int e, int f) {
  Task *self = (Task *)((uintptr_t)(unsigned)low | (uintptr_t)(unsigned)high << 32);
  unsigned long value = (unsigned long)(a + 2 * b + 3 * c + 5 * d + 7 * e + 11 * f);
  for (int i = 0; i < 2; ++i)
    value = descend(DEPTH, value) + 1;
  self->value = value;
}

static void begin(Task *task_, int number) {
  task_->stack = mmap(0, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  getcontext(&task_->context);
  task_->context.uc_stack.ss_sp = task_->stack;
  task_->context.uc_stack.ss_size = STACK;
  task_->context.uc_link = &scheduler;
  const uintptr_t self = (uintptr_t)task_;
  makecontext(&task_->context, (void (*)(void))task, 8, (int)self, (int)(self >> 32), number, number + 1, number + 2,
              number + 3, number + 4, number + 5);
}

static void go_on(Task *task_) {
  now = task_;
  swapcontext(&scheduler, &task_->context);
}

int main(int argc, char **argv) {
  const int count = atoi(argv[1]), given_up = argc > 2 ? atoi(argv[2]) : 0;
  Task *tasks = calloc((size_t)count, sizeof *tasks);
  for (int i = 0; i < count; ++i) {
    begin(&tasks[i], i);
    go_on(&tasks[i]);
  }
  for (int i = 0; i < given_up; ++i) {
    static Task lost[2];
    Task *task_ = &lost[i % 2];
    begin(task_, i);
    go_on(task_);
    if (i % 2)
      munmap(task_->stack, STACK);
    else
      memset(task_->stack + STACK - 1024, i, 1024);
  }
  puts("waiting");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    unsigned long sum = 0;
    for (int i = 0; i < count; ++i)
      if (!tasks[i].value)
        go_on(&tasks[i]);
    for (int i = 0; i < count; ++i)
      sum = sum * 31 + tasks[i].value;
    printf("%lu\n", sum);
    fflush(stdout);
  }
  return 0;
}
