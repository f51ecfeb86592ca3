// Check that longjmp over many frames, some of them replaced or waiting to be replaced, lands where setjmp was called.
//
// An exception library in the usual style: a chain of handlers on the stack, cleanup blocks that rethrow, an
// uncaught exception at the end, which leaves the program with status 3 on purpose.

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum exception { NoException, DivisionByZero, OutOfRange, TooDeep, UserError };

static const char *const exception_names[] = {"none", "division by zero", "out of range", "too deep", "user error"};

struct handler {
  jmp_buf target;
  struct handler *older;
  const char *message; // valid in the handler after a throw
};

static struct handler *newest_handler;
static unsigned thrown, cleaned;

static _Noreturn void throw_exception(enum exception what, const char *message) {
  struct handler *to = newest_handler;
  thrown++;
  if (!to) {
    printf("uncaught: %s (%s), thrown %u, cleaned %u\n", exception_names[what], message, thrown, cleaned);
    exit(3);
  }
  newest_handler = to->older;
  to->message = message;
  longjmp(to->target, what);
}

#define TRY(handler)                                                                                                   \
  ((handler).older = newest_handler, newest_handler = &(handler), (enum exception)setjmp((handler).target))

static void end_try(struct handler *handler) { newest_handler = handler->older; }

// Recursion that ends in a throw: the frames between are abandoned, with values live in all of them.
static int dig(int depth, int limit, int divisor) {
  if (depth == limit) {
    if (divisor == 0)
      throw_exception(DivisionByZero, "at the bottom");
    return limit / divisor;
  }
  if (depth > 400)
    throw_exception(TooDeep, "no bottom");
  int below = dig(depth + 1, limit, divisor);
  return below + depth;
}

// A handler in every tenth frame that cleans up and throws again.
static int dig_with_cleanup(int depth, int limit, int divisor) {
  if (depth % 10 != 0)
    return depth >= limit ? dig(0, 5, divisor) : dig_with_cleanup(depth + 1, limit, divisor) + 1;
  struct handler guard;
  volatile int resource = depth; // changed between setjmp and longjmp, hence volatile
  enum exception caught = TRY(guard);
  if (caught != NoException) {
    cleaned += resource == depth + 1;
    throw_exception(caught, guard.message);
  }
  resource = depth + 1;
  int result = depth >= limit ? dig(0, 5, divisor) : dig_with_cleanup(depth + 1, limit, divisor) + 1;
  end_try(&guard);
  return result;
}

static int checked_element(const int *values, int count, int index) {
  if (index < 0 || index >= count)
    throw_exception(OutOfRange, "index");
  return values[index];
}

static int sum_until_error(const int *values, int count, int from, int step) {
  struct handler guard;
  volatile int sum = 0, index = from;
  switch (TRY(guard)) {
  case NoException:
    for (;; index += step)
      sum += checked_element(values, count, index);
  case OutOfRange:
    return sum * 100 + index;
  case DivisionByZero:
  case TooDeep:
  case UserError:
    break;
  }
  return -1;
}

// setjmp called in a loop: the same frame is re-entered several times by jumps from below.
static int count_down(jmp_buf back, int left, int depth) {
  if (depth == 0)
    longjmp(back, left);
  return count_down(back, left, depth - 1) + 1;
}

static int retry(int attempts, int depth) {
  jmp_buf back;
  volatile int tries = 0;
  int left = setjmp(back);
  if (left == 0)
    left = attempts + 1;
  tries++;
  if (left > 1)
    count_down(back, left - 1, depth);
  return tries;
}

static enum exception attempt(int round, int *result, const char **message) {
  struct handler guard;
  enum exception caught = TRY(guard);
  if (caught == NoException) {
    if (round % 4 == 3)
      throw_exception(UserError, "asked for");
    *result = round % 4 == 2 ? dig(0, 100000, 1) : dig_with_cleanup(0, 35 + round % 10, round % 4);
    end_try(&guard);
    return NoException;
  }
  *message = guard.message;
  return caught;
}

int main(int argc, char **argv) {
  int rounds = 20 * read_scale(argc, argv);
  unsigned seen[5] = {0};
  uint32_t hash = 0;
  static const int values[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};

  for (int round = 0; round < rounds; round++) {
    int result = -1;
    const char *message = "no message";
    enum exception what = attempt(round, &result, &message);
    seen[what]++;
    hash = hash * 31 + (uint32_t)result + (uint32_t)message[0];
    hash = hash * 31 + (uint32_t)sum_until_error(values, 11, round % 11, 1 + round % 3);
    hash = hash * 31 + (uint32_t)retry(1 + round % 7, round % 20);
    if (round < 8)
      printf("round %d: %s, '%s', result %d\n", round, exception_names[what], message, result);
  }
  for (int i = 0; i < 5; i++)
    printf("%s: %u\n", exception_names[i], seen[i]);
  printf("thrown %u, cleaned %u, hash %08x, handlers left %d\n", thrown, cleaned, hash, newest_handler != NULL);
  dig(0, 60, 0); // nobody catches this one
  return 0;
}
