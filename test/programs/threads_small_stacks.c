// Check that functions are called for the first time where little stack is left: in the smallest threads, deep in a
// recursion, and in a handler on a small stack of its own; and that threads can use the stack that they asked for.
// cflags: -pthread
// libs: -pthread

#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT = 20 * 1024, HANDLER_STACK = 16 * 1024 };

#define FRESH(k)                                                                                                       \
  __attribute__((noinline)) static unsigned inner_##k(unsigned n) { return n ? inner_##k(n - 1) * 3 + k : k; }         \
  __attribute__((noinline)) static unsigned fresh_##k(unsigned n) {                                                    \
    char text[64];                                                                                                     \
    memset(text, (int)n + k, sizeof text);                                                                             \
    return inner_##k(3) + (unsigned)text[n % sizeof text];                                                             \
  }
FRESH(0) FRESH(1) FRESH(2) FRESH(3) FRESH(4) FRESH(5) FRESH(6) FRESH(7)
static unsigned (*const table[])(unsigned) = {fresh_0, fresh_1, fresh_2, fresh_3, fresh_4, fresh_5, fresh_6, fresh_7};

static int compare(const void *left, const void *right) { return *(const int *)left - *(const int *)right; }

__attribute__((noinline)) static int sorted_middle(unsigned seed) {
  int numbers[9];
  for (int i = 0; i < 9; i++)
    numbers[i] = (int)(seed * 7 + (unsigned)i * 5) % 9;
  qsort(numbers, 9, sizeof *numbers, compare);
  return numbers[4];
}

static void *small_thread(void *number) {
  const unsigned k = (unsigned)(uintptr_t)number;
  return (void *)(uintptr_t)(table[k](k) + (unsigned)sorted_middle(k));
}

__attribute__((noinline)) static int is_near_end(const char *low) {
  return (const char *)__builtin_frame_address(0) < low + LEFT;
}

__attribute__((noinline)) static unsigned down(const char *low, unsigned value) {
  if (is_near_end(low))
    return table[4](4) + table[5](5);
  volatile unsigned result = down(low, value + 1); // so that no compiler makes a loop of it
  return result;
}

static void *deep_thread(void *unused) {
  pthread_attr_t attributes;
  void *low = NULL;
  size_t size = 0;
  (void)unused;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  return (void *)(uintptr_t)down(low, 0);
}

/* Some 130 bytes a call natively. */
__attribute__((noinline)) static unsigned use_stack(unsigned left, unsigned value) {
  volatile unsigned char text[40];
  text[left % sizeof text] = (unsigned char)left;
  if (left == 0)
    return value;
  const unsigned below = use_stack(left - 1, value * 3 + text[left % sizeof text]);
  return below + text[left % sizeof text];
}

static void *using_thread(void *calls) { return (void *)(uintptr_t)use_stack((unsigned)(uintptr_t)calls, 1); }

static volatile unsigned from_handler;

static void on_signal(int number) { from_handler = table[6](6) + table[7]((unsigned)number % 7); }

static unsigned in_thread(size_t stack_size, void *(*function)(void *), uintptr_t argument) {
  pthread_attr_t attributes;
  pthread_t thread;
  void *result = NULL;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, stack_size) || pthread_create(&thread, &attributes, function, (void *)argument))
    exit(2);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, &result);
  return (unsigned)(uintptr_t)result;
}

int main(void) {
  for (uintptr_t k = 0; k < 4; k++)
    printf("thread %u: %u\n", (unsigned)k, in_thread(16384, small_thread, k));
  printf("deep: %u\n", in_thread(512 * 1024, deep_thread, 0));

  for (size_t size = 64 * 1024; size <= 4096 * 1024; size *= 4)
    printf("used: %u\n", in_thread(size, using_thread, size / 170));

  stack_t stack = {.ss_sp = malloc(HANDLER_STACK), .ss_size = HANDLER_STACK};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
    return 2;
  raise(SIGUSR1);
  printf("handler: %u\n", from_handler);
  return 0;
}
