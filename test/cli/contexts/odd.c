// Contexts that are gone back to, and begun, more than once; stacks within stacks; a stack that nobody may write for a while; and handlers
// of exit on the stack of a context that has ended.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { STACK = 64 * 1024, INNER = 24 * 1024 };

static ucontext_t scheduler, context, inner, begun;
static long steps;

static void prepare(ucontext_t *made, void *stack, size_t bytes, ucontext_t *next, void (*function)(void)) {
  getcontext(made);
  made->uc_stack.ss_sp = stack;
  made->uc_stack.ss_size = bytes;
  made->uc_link = next;
  makecontext(made, function, 0);
}

__attribute__((noinline)) static long work(long rounds) {
  long sum = 0;
  for (long i = 0; i < rounds; ++i) {
    sum += i * i % 7;
    if (i % 1000 == 0)
      ++steps;
  }
  return sum;
}

static void say(void) { printf("a context, %ld\n", work(2000)); }

// The place behind the only swapcontext is gone back to by each context that ends.
static void go_back_more_than_once(void) {
  static volatile int ended;
  ended = 0;
  char *stack = malloc(STACK);
  prepare(&context, stack, STACK, &scheduler, say);
  swapcontext(&scheduler, &context);
  printf("back %d\n", ++ended);
  if (ended < 4) {
    prepare(&context, stack, STACK, &scheduler, say);
    setcontext(&context);
  }
}

static char *lent;

__attribute__((noinline)) static long lend_and_wait(long depth) {
  char buffer[INNER];
  lent = buffer;
  const long sum = depth ? lend_and_wait(depth - 1) : (swapcontext(&context, &scheduler), work(3000));
  return sum + (buffer == lent) + depth;
}

static void lender(void) { printf("lender %ld\n", lend_and_wait(1)); }

static void borrower(void) {
  for (int i = 0; i < 3; ++i)
    swapcontext(&inner, &scheduler);
  printf("borrower %ld\n", work(3000));
}

static void run_in_a_waiting_frame(void) {
  prepare(&context, malloc(2 * STACK), 2 * STACK, &scheduler, lender);
  swapcontext(&scheduler, &context);
  prepare(&inner, lent, INNER, &scheduler, borrower);
  long sum = 0;
  for (int i = 0; i < 4; ++i) {
    swapcontext(&scheduler, &inner);
    for (int k = 0; k < 40; ++k)
      sum += work(5000);
  }
  printf("%ld\n", sum);
  swapcontext(&scheduler, &context);
}

static void sleeper(void) {
  swapcontext(&context, &scheduler);
  say();
}

static void wait_where_nobody_writes(void) {
  char *stack = mmap(0, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  prepare(&context, stack, STACK, &scheduler, sleeper);
  swapcontext(&scheduler, &context);
  mprotect(stack, STACK, PROT_READ);
  long sum = 0;
  for (int i = 0; i < 200; ++i)
    sum += work(5000);
  printf("%ld\n", sum);
  mprotect(stack, STACK, PROT_READ | PROT_WRITE);
  swapcontext(&scheduler, &context);
}

static jmp_buf out;
static int begins;

static void begin_often(int a, int b, int c, int d, int e, int f, int g, int h) {
  printf("begun %d: %d %d\n", ++begins, a + b + c + d + e + f, g * h);
  if (begins < 3)
    longjmp(out, 1);
}

static void at_the_end(void) {
  for (int i = 0; i < 80; ++i) {
    prepare(&context, malloc(STACK), STACK, &scheduler, sleeper);
    swapcontext(&scheduler, &context);
  }
  long sum = 0;
  for (int i = 0; i < 150; ++i)
    sum += work(5000);
  printf("the end, %ld\n", sum);
}

int main(void) {
  go_back_more_than_once();
  run_in_a_waiting_frame();
  wait_where_nobody_writes();
  atexit(at_the_end);
  getcontext(&begun);
  begun.uc_stack.ss_sp = malloc(2 * STACK);
  begun.uc_stack.ss_size = 2 * STACK;
  begun.uc_link = 0;
  makecontext(&begun, (void (*)(void))begin_often, 8, 1, 2, 3, 4, 5, 6, 7, 8);
  setjmp(out);
  setcontext(&begun); // which exits when it ends
  return 1;
}
