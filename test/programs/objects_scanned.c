// Check that whoever scans the stack finds what local objects hold, in frames of all kinds: from the place where it is
// called to the stack's base, as a conservative collector does, and from one local to that of an outer function.
// cflags: -pthread
// libs: -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kept_most = 64 };

struct holder {
  long padding[3];
  uintptr_t value;
};

static int kept;

/// Nobody else stores it as it is: the words that are looked for are made here.
__attribute__((noinline)) static uintptr_t secret(int number) {
  return ((uintptr_t)0x5ec0 << 48 | (uintptr_t)number << 20) ^ 0x12345;
}

__attribute__((noinline)) static void keep(struct holder *holder, int number) {
  memset(holder, number, sizeof *holder);
  holder->value = secret(number);
  ++kept;
}

__attribute__((noinline)) static int count_between(const void *low, const void *high, int numbers) {
  int found = 0;
  for (int number = 0; number < numbers; ++number) {
    uintptr_t wanted = secret(number);
    int here = 0;
    for (const volatile uintptr_t *word = (const uintptr_t *)((uintptr_t)low & ~(uintptr_t)7);
         (const char *)word + sizeof *word <= (const char *)high; ++word)
      here |= *word == wanted;
    found += here;
  }
  return found;
}

static char *base_of_stack(void) {
  pthread_attr_t attributes;
  void *low;
  size_t size;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  return (char *)low + size;
}

static const void *outer_local;
static int is_on_alternate;

__attribute__((noinline)) static int scan(const char *what, int numbers) {
  char here = 0;
  int to_base = is_on_alternate ? 0 : count_between(&here, base_of_stack(), numbers);
  int to_outer = count_between(&here, outer_local, numbers);
  printf("%s: %d of %d to the base, %d to the outer local\n", what, to_base, numbers, to_outer);
  return to_base + to_outer;
}

__attribute__((noinline)) static int recurse(int number, int most, const char *what) {
  struct holder holder;
  keep(&holder, number);
  int result = number + 1 < most ? recurse(number + 1, most, what) : scan(what, most);
  return result + (holder.value != secret(number));
}

static inline int inlined_holder(int number, int most) {
  struct holder holder;
  keep(&holder, number);
  int result = scan("inlined", most);
  return result + (holder.value != secret(number));
}

__attribute__((noinline)) static int inlines(int most) {
  int result = 0;
  for (int round = 0; round < 3; ++round)
    for (int number = 0; number < most; ++number) {
      struct holder first;
      keep(&first, 0);
      result += inlined_holder(number, number + 1 < 2 ? number + 1 : 1);
      result += first.value != secret(0);
    }
  return result;
}

__attribute__((noinline)) static int variadic(int most, ...) {
  struct holder holder;
  keep(&holder, most - 1);
  va_list rest;
  va_start(rest, most);
  int result = recurse(0, va_arg(rest, int), "below a variadic function");
  va_end(rest);
  return result + scan("variadic", 0) + (holder.value != secret(most - 1));
}

__attribute__((noinline)) static int many_arguments(long a, long b, long c, long d, long e, long f, long g, double x,
                                                    struct holder by_value, long double y) {
  struct holder holder;
  keep(&holder, 1);
  by_value.padding[0] = a + b + c + d + e + f + g + (long)x + (long)y;
  int result = scan("arguments on the stack", 2);
  printf("sum %ld\n", by_value.padding[0]);
  return result + (by_value.value != secret(0)) + (holder.value != secret(1));
}

static jmp_buf back;

__attribute__((noinline)) static void leave(int depth) {
  struct holder holder;
  keep(&holder, depth + 40);
  if (depth == 5)
    longjmp(back, 1);
  leave(depth + 1);
  keep(&holder, 0);
}

__attribute__((noinline)) static int jumps(void) {
  struct holder holder;
  keep(&holder, 0);
  if (setjmp(back) == 0)
    leave(0);
  return recurse(1, 4, "after longjmp") + (holder.value != secret(0));
}

__attribute__((noinline)) static int halves(int number) {
  kept += number & 1;
  return number / 2;
}

/// As collectors do it that are not given a jump buffer: what callers hold in registers is where the scan begins, or above.
__attribute__((noinline)) static int scan_with_registers(int number) {
  uintptr_t registers[6];
  __asm__ volatile("movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\t"
                   "movq %%r13, 24(%0)\n\tmovq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)"
                   :
                   : "r"(registers)
                   : "memory");
  int above = number + 1, half = halves(number), result = 0; // it calls, and has values of its own to hold
  const volatile uintptr_t *word = registers;
  for (; (const char *)(word + 1) <= (const char *)outer_local; ++word)
    result |= (*word ^ 0x12345) == ((uintptr_t)0x5ec0 << 48 | (uintptr_t)number << 20);
  return result + (halves(above) < half);
}

/// Nothing of this is an object.
__attribute__((noinline)) static int holds_values(int number) {
  uintptr_t first = secret(number), second = secret(number + 20), third = secret(number + 40);
  int result = scan_with_registers(number) + scan_with_registers(number + 20);
  result += scan_with_registers(number + 40);
  kept += (first ^ second ^ third) == 0;
  return result;
}

static char *alternate_low;

static void handler(int signal) {
  struct holder holder;
  keep(&holder, 0);
  char *object = (char *)&holder;
  printf("handler %d: on the alternate stack: %d\n", signal, object >= alternate_low && object < alternate_low + 65536);
  outer_local = &holder + 1;
  is_on_alternate = 1;
  recurse(0, 5, "handler");
  is_on_alternate = 0;
}

static void *on_thread(void *argument) {
  struct holder outer;
  keep(&outer, 0);
  outer_local = &outer + 1;
  return (void *)(intptr_t)recurse(1, *(int *)argument, "thread");
}

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv), most = 4 + scale / 10, result = 0;
  struct holder outer;
  memset(&outer, 0, sizeof outer);
  outer_local = &outer + 1;
  result += recurse(0, most < kept_most ? most : kept_most, "recursion");
  result += inlines(3);
  result += variadic(4, 6);
  outer.value = secret(0);
  result += many_arguments(1, 2, 3, 4, 5, 6, 7, 8.5, outer, 9.5L);
  result += jumps();
  int values = 0;
  for (int round = 0; round < 8; ++round)
    values += holds_values(round);
  printf("values: %d of 24\n", values);

  alternate_low = malloc(65536);
  stack_t alternate = {.ss_sp = alternate_low, .ss_size = 65536};
  sigaltstack(&alternate, NULL);
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);

  pthread_t thread;
  void *returned;
  int on_stack = 7;
  pthread_create(&thread, NULL, on_thread, &on_stack);
  pthread_join(thread, &returned);
  printf("kept %d, result %d, thread %d\n", kept, result, (int)(intptr_t)returned);
  return 0;
}
