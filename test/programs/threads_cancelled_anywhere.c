// Check that threads that may be cancelled at any instruction are, in loops that call nothing, in recursion and in mixes.
//
// Cancellations come at all times: some before the thread has done anything, some when its loops are optimised. Whether a
// thread was in the middle of a loop, of a call or of its replacement, its clean-up handlers run, and others go on.

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kinds = 5 };

static atomic_int started, cleaned;
static atomic_uint sinks[kinds]; ///< how far the threads of each kind came

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void add_to_cleaned(void *weight) { atomic_fetch_add(&cleaned, (int)(intptr_t)weight); }

__attribute__((noinline)) static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

__attribute__((noinline)) static double sum_from(double x, unsigned n) { return n == 0 ? x : sum_from(x * 0.5, n - 1) + n; }

static _Noreturn void loop_that_calls_nothing(unsigned seed) {
  for (unsigned x = seed;; x = x * 1664525u + 1013904223u)
    atomic_fetch_add_explicit(&sinks[0], x >> 31, memory_order_relaxed);
}

static _Noreturn void loops_in_loops(unsigned seed) {
  for (unsigned x = seed;;)
    for (unsigned i = 0; i < (x & 63) + 2; ++i) {
      x = x * 1664525u + i;
      atomic_fetch_add_explicit(&sinks[1], 1, memory_order_relaxed);
    }
}

static _Noreturn void recursion(unsigned seed) {
  for (;;)
    atomic_fetch_add_explicit(&sinks[2], fib(8 + seed % 5), memory_order_relaxed);
}

static _Noreturn void calculation(unsigned seed) {
  for (double x = seed;;) {
    x = sum_from(x, 40) * 0.25;
    atomic_fetch_add_explicit(&sinks[3], (unsigned)x, memory_order_relaxed);
  }
}

static _Noreturn void calls_by_pointer(unsigned seed) {
  static unsigned (*const volatile callee)(unsigned) = fib;
  for (;; ++seed)
    atomic_fetch_add_explicit(&sinks[4], callee(seed % 7), memory_order_relaxed);
}

static void (*const endless[kinds])(unsigned) = {loop_that_calls_nothing, loops_in_loops, recursion, calculation, calls_by_pointer};

__attribute__((noinline)) static void may_be_cancelled_from_here(unsigned number) {
  int before;
  atomic_fetch_add(&started, 1);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
  endless[number % kinds](number);
}

__attribute__((noinline)) static unsigned descend(unsigned depth, unsigned number) {
  unsigned result = depth;
  pthread_cleanup_push(add_to_cleaned, (void *)(intptr_t)(depth + 1));
  if (depth == 0)
    may_be_cancelled_from_here(number);
  result += descend(depth - 1, number);
  pthread_cleanup_pop(0);
  return result;
}

static void *work(void *number) { return (void *)(intptr_t)descend(3 + (uintptr_t)number % 4, (unsigned)(uintptr_t)number); }

int main(int argc, char **argv) {
  const int threads = kinds * (3 + read_scale(argc, argv));
  int cancelled = 0;
  for (int number = 0; number < threads; ++number) {
    pthread_t thread;
    void *result;
    const int before = atomic_load(&started);
    const unsigned far = atomic_load(&sinks[number % kinds]) + (unsigned)(number % 4) * 400u;
    pthread_create(&thread, NULL, work, (void *)(intptr_t)number);
    while (atomic_load(&started) == before)
      sched_yield();
    while (number % 4 != 0 && (int)(atomic_load(&sinks[number % kinds]) - far) < 0)
      sched_yield();
    pthread_cancel(thread);
    pthread_join(thread, &result);
    cancelled += result == PTHREAD_CANCELED;
  }
  printf("%d of %d cancelled, cleaned %d, fib %u\n", cancelled, threads, atomic_load(&cleaned), fib(12));
  return 0;
}
