// Check that records in locals, linked from the newest to the oldest, lie as the machine stack grows: a stack of protected
// calls and of roots that is cut by comparing addresses, as script engines have it, in frames of all kinds.
#include <alloca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct root {
  struct root *older;
  long value;
};

struct protected_call {
  jmp_buf buffer;
  struct protected_call *older;
  int number;
};

static struct root *roots;
static struct protected_call *calls;
static long errors, cut, visits;

__attribute__((noinline)) static void enter(struct root *root, long value) {
  root->older = roots;
  root->value = value;
  if (roots && (uintptr_t)root >= (uintptr_t)roots)
    ++errors;
  roots = root;
}

__attribute__((noinline)) static long leave(struct root *root, long value) {
  if (roots != root || root->value != value)
    ++errors;
  roots = root->older;
  return root->value;
}

/// Whoever was left by a jump lies below the local of the function that it led to; what it held is not looked at any more.
__attribute__((noinline)) static void cut_to(struct root *root) {
  if ((uintptr_t)roots < (uintptr_t)root)
    ++cut;
  else if (roots != root)
    ++errors;
  roots = root;
}

__attribute__((noinline)) static long count_roots(void) {
  long count = 0;
  uintptr_t last = 0;
  for (struct root *root = roots; root; root = root->older, ++count) {
    if ((uintptr_t)root <= last)
      ++errors;
    last = (uintptr_t)root;
  }
  visits += count;
  return count;
}

_Noreturn static void fail(int number) {
  struct root root;
  enter(&root, number);
  longjmp(calls->buffer, number);
}

typedef long body(int depth, int seed);
static long walk(int depth, int seed);

__attribute__((noinline)) static long protect(body *function, int depth, int seed) {
  struct protected_call call;
  struct root root;
  volatile long result = 0;
  enter(&root, depth);
  call.older = calls;
  call.number = depth;
  calls = &call;
  int thrown = setjmp(call.buffer);
  if (thrown == 0)
    result = function(depth, seed);
  else {
    cut_to(&root);
    result = -thrown;
  }
  if (calls != &call || call.number != depth)
    ++errors;
  calls = call.older;
  return leave(&root, depth) + result;
}

__attribute__((noinline)) static long plain(int depth, int seed) {
  struct root first, second;
  enter(&second, seed);
  (void)first;
  long result = depth > 0 ? walk(depth - 1, seed * 5 + 1) : count_roots();
  return result + leave(&second, seed);
}

__attribute__((noinline)) static long variable(int depth, int seed) {
  struct root root;
  enter(&root, seed);
  int count = 1 + (seed & 7);
  struct root *more = alloca(sizeof *more * (size_t)count);
  for (int i = count; i-- > 0;)
    enter(&more[i], i);
  long result = depth > 0 ? walk(depth - 1, seed * 3 + 7) : count_roots();
  for (int i = 0; i < count; ++i)
    result += leave(&more[i], i);
  return result + leave(&root, seed);
}

__attribute__((noinline)) static long variadic(int depth, ...) {
  va_list rest;
  va_start(rest, depth);
  int seed = va_arg(rest, int);
  struct root root;
  enter(&root, seed);
  long result = depth > 0 ? walk(depth - 1, seed * 7 + 3) : count_roots();
  va_end(rest);
  return result + leave(&root, seed);
}

struct many {
  long words[9];
};

__attribute__((noinline)) static long by_value(struct many many, int depth, long a, long b, long c, long d, long e) {
  struct root root;
  enter(&root, many.words[depth & 7]);
  many.words[8] += a + b + c + d + e;
  long result = depth > 0 ? walk(depth - 1, (int)(many.words[depth & 7] * 11 + 5)) : count_roots();
  return result + many.words[8] + leave(&root, many.words[depth & 7]);
}

static int compare(const void *left, const void *right) {
  struct root root;
  long l = *(const long *)left, r = *(const long *)right;
  enter(&root, l);
  count_roots();
  leave(&root, l);
  return (l > r) - (l < r);
}

__attribute__((noinline)) static long sorted(int depth, int seed) {
  long values[6];
  struct root root;
  enter(&root, seed);
  for (int i = 0; i < 6; ++i)
    values[i] = (seed * (i + 3) * 7919) & 1023;
  qsort(values, 6, sizeof *values, compare);
  long result = values[0] * 3 + values[5];
  result += depth > 0 ? walk(depth - 1, seed + (int)values[2]) : count_roots();
  return result + leave(&root, seed);
}

static long tail(int depth, int seed) {
  struct root root;
  enter(&root, seed);
  long left = leave(&root, seed);
  return walk(depth, seed ^ (int)(left & 3));
}

__attribute__((noinline)) static long walk(int depth, int seed) {
  seed = (int)(((unsigned)seed * 1103515245u + 12345u) >> 8 & 0xffff);
  if (seed % 29 == 0)
    fail(1 + seed % 5);
  switch (depth <= 0 ? 0 : seed % 7) {
  case 0: return plain(depth, seed);
  case 1: return protect(walk, depth - 1, seed);
  case 2: return variable(depth, seed);
  case 3: return variadic(depth, seed, 2.5);
  case 4: {
    struct many many;
    for (int i = 0; i < 9; ++i)
      many.words[i] = (seed + i) & 255;
    return by_value(many, depth, 1, 2, 3, 4, 5);
  }
  case 5: return sorted(depth, seed);
  default: return tail(depth - 1, seed);
  }
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  long total = 0;
  for (int round = 0; round < 20 + 10 * scale; ++round) {
    total += protect(walk, 3 + round % 25, round);
    if (roots || calls)
      ++errors;
  }
  printf("total %ld, visits %ld, cut %ld, errors %ld\n", total, visits, cut, errors);
  return 0;
}
