// Check that calls inside callees that were inlined into functions whose frames stay (varargs, setjmp, frame address)
// return to those functions.
//
// Such a function's own calls have no frame state. What the inliner brings into it has one, of the callee alone: taken
// for the whole frame, it would end the function early, with the callee's result.

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint64_t calls;

static uint64_t count_step(uint64_t n) { return n * 3 + ++calls; }

static uint64_t (*volatile step)(uint64_t) = count_step; // a call that nobody can inline

static inline uint64_t two_steps(uint64_t n) {
  uint64_t first = step(n);
  return first * 2 + step(n + first);
}

static inline uint64_t four_steps(uint64_t n) {
  uint64_t first = two_steps(n);
  return first ^ (two_steps(first + 1) << 1);
}

__attribute__((noinline)) static uint64_t sum_of_steps(int count, ...) {
  va_list list;
  va_start(list, count);
  uint64_t sum = 0;
  for (int i = 0; i < count; i++)
    sum = sum * 5 + four_steps(va_arg(list, uint64_t)) + 1000003;
  va_end(list);
  return sum * 7;
}

static jmp_buf landing;

static inline void leave_sometimes(uint64_t value) {
  uint64_t next = step(value);
  if (next % 7 == 0)
    longjmp(landing, 1 + (int)(next % 5));
}

__attribute__((noinline)) static uint64_t guarded_steps(uint64_t n) {
  volatile uint64_t left = 0;
  int code = setjmp(landing);
  if (code == 0) {
    leave_sometimes(n);
    leave_sometimes(n + 1);
    left = 100;
  }
  return left + (uint64_t)code * 1000 + two_steps(n) * 10000;
}

__attribute__((noinline)) static uint64_t frame_steps(uint64_t n) {
  uint64_t has_frame = __builtin_frame_address(0) != NULL;
  return two_steps(n) * 11 + has_frame;
}

// The functions above also have replaceable callers, which keep values over the calls.
static uint64_t caller(uint64_t n) {
  uint64_t a = n * 17, b = n ^ 0x55, c = n << 3;
  uint64_t sum = sum_of_steps(3, n, a, b);
  uint64_t guarded = guarded_steps(n + c);
  return sum + a * guarded + b * frame_steps(n) + c;
}

int main(int argc, char **argv) {
  int rounds = 20 * read_scale(argc, argv);
  uint64_t hash = 0;
  for (int i = 0; i < rounds; i++)
    hash = hash * 1099511628211u + caller((uint64_t)i);
  printf("%llu calls, hash %016llx\n", (unsigned long long)calls, (unsigned long long)hash);
  return 0;
}
