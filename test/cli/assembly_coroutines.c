// Coroutines on stacks that an assembly changes, with the names and the interface of Boost.Context's: they wait in loops, in recursion and with
// values in registers, while the code that they go on in is replaced and freed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  void *context, *data;
} transfer;
transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*function)(transfer));

__asm__(".text\n"
        ".globl jump_fcontext, make_fcontext\n"
        ".type jump_fcontext, @function\n"
        "jump_fcontext:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, %rax\n" // who jumps, for whom it jumps to
        "  movq %rsi, %rdx\n"
        "  movq %rdi, %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".type make_fcontext, @function\n"
        "make_fcontext:\n"
        "  movq %rdi, %rax\n"
        "  andq $-16, %rax\n"
        "  subq $56, %rax\n" // what jump_fcontext takes from there
        "  movq %rdx, 32(%rax)\n"
        "  movq $0, 40(%rax)\n"
        "  leaq first_on_stack(%rip), %rcx\n"
        "  movq %rcx, 48(%rax)\n"
        "  ret\n"
        ".type first_on_stack, @function\n"
        "first_on_stack:\n"
        "  movq %rax, %rdi\n"
        "  movq %rdx, %rsi\n"
        "  callq *%rbx\n"
        "  ud2\n");

enum { stack_bytes = 256 << 10, coroutines = 6 };

typedef struct {
  char *stack;
  void *context; // of the coroutine while it waits, of its caller while it runs
  long sent;
  int number, has_ended;
} coroutine;

static long yield(coroutine *self, long value) {
  transfer back = jump_fcontext(self->context, &value);
  self->context = back.context;
  return *(long *)back.data;
}

static void walk(coroutine *self, int depth, long weight) {
  double half = weight * 0.5;
  if (depth == 0)
    return;
  walk(self, depth - 1, weight * 3 + 1);
  self->sent += yield(self, weight + (long)(half * 4));
  walk(self, depth - 1, weight * 5 + self->number);
}

static void body(transfer from) {
  coroutine *self = *(coroutine **)from.data;
  self->context = from.context;
  for (int round = 1; round <= 3; ++round)
    walk(self, 3 + self->number % 3, round + self->number);
  self->has_ended = 1;
  yield(self, -self->sent);
  abort();
}

static long resume(coroutine *one, void *data) {
  transfer back = jump_fcontext(one->context, data);
  one->context = back.context;
  return *(long *)back.data;
}

static unsigned long run_all(unsigned long sum, int is_last) {
  coroutine all[coroutines];
  long steps = 0;
  for (int i = 0; i < coroutines; ++i) {
    coroutine *one = &all[i];
    memset(one, 0, sizeof *one);
    one->number = i;
    one->stack = malloc(stack_bytes);
    one->context = make_fcontext(one->stack + stack_bytes, stack_bytes, body);
    sum += resume(one, &one);
  }
  for (int left = coroutines; left > 0;) {
    for (int i = 0; i < coroutines; ++i) {
      if (all[i].has_ended)
        continue;
      long answer = steps++ % 7;
      long value = resume(&all[i], &answer);
      sum = sum * 31 + value;
      if (all[i].has_ended) {
        if (is_last)
          printf("%d ends with %ld\n", i, value);
        --left;
      }
    }
  }
  for (int i = 0; i < coroutines; ++i)
    free(all[i].stack);
  return sum + steps;
}

int main(void) {
  unsigned long sum = 0;
  for (int times = 1; times <= 1000; ++times)
    sum = run_all(sum, times == 1000);
  printf("%lu\n", sum);
  return 0;
}
