// Check that what is said to make replacement impossible does not. Each case makes requests in the middle of its own
// activations, and checks how many of them were replaced and where control landed.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Translated without the front end's optimisations: inlining and unrolling are the runtime's.
enum Tier { baseline, optimized };
long request(const char *function, int tier); // of the host: activations that were sent elsewhere
long landed(int tier);                        // of the host: transitions that have happened
long split(void);                             // of the host: how often one frame became several

static int first; // the tier of the code that calls enter
static int other; // the one that the first request asks for

#define CHECK(condition)                                                                                               \
  do                                                                                                                   \
    if (!(condition)) {                                                                                                \
      printf("line %d: %s\n", __LINE__, #condition);                                                                   \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  while (0)

#define NOINLINE __attribute__((noinline))

NOINLINE static long ask(const char *function, int tier) {
  long replaced = request(function, tier);
  CHECK(replaced >= 0);
  return replaced;
}

// 1. The call site was inlined away: in optimised code there is no activation of `inlined`, and no call to it.

static int inlined(int value, const char *whom, int tier, long *count) {
  int twice = value * 2;
  *count = ask(whom, tier);
  if (first == baseline)
    *count += ask("inlined", tier);
  return twice + value;
}

NOINLINE static int around_inlined(int value, const char *whom, int tier, long *count) {
  int before = value ^ 5;
  int result = inlined(value, whom, tier, count);
  return result * 3 + before;
}

static void inlined_away(void) {
  long count = 0, before = landed(other), split_before = split();
  CHECK(around_inlined(7, "around_inlined", other, &count) == 65);
  CHECK(count == (first == optimized ? 1 : 2));
  CHECK(landed(other) == before + (first == optimized ? 1 : 2)); // in baseline code there are two activations
  CHECK(split() == split_before + (first == optimized));
}

// 2. The loop was unrolled into a dozen copies.

NOINLINE static int step(int i, int sum) {
  if (i >= 0)
    CHECK(ask("unrolled", i % 2 ? baseline : optimized) <= 1);
  return sum * 3 + i;
}

NOINLINE static int unrolled(int start) {
  int sum = start;
#pragma clang loop unroll(full)
  for (int i = 0; i < 12; i++)
    sum = step(i, sum) ^ (i << 4);
  return sum;
}

static void unrolled_copies(void) {
  int expected = 1;
  long before = landed(baseline) + landed(optimized);
  for (int i = 0; i < 12; i++)
    expected = (expected * 3 + i) ^ (i << 4);
  CHECK(unrolled(1) == expected);
  CHECK(landed(baseline) + landed(optimized) >= before + 11); // each of them leaves the tier that the last one chose
}

// 3. The call may be hoisted out of its loop: it reads nothing that changes.

__attribute__((const, noinline)) static int invariant(int value) {
  ask("around_hoisted", other);
  return value * 7;
}

NOINLINE static int around_hoisted(int count, int value) {
  int sum = 0;
  for (int i = 0; i < count; i++)
    sum += invariant(value) * i;
  return sum;
}

static volatile int ten = 10, three = 3; // else the compiler knows the result

static void hoisted(void) {
  long before = landed(other);
  CHECK(around_hoisted(ten, three) == 945);
  CHECK(landed(other) > before);
}

// 4. The callee is in an endless loop.

static atomic_int spinning, released;

NOINLINE static int spin(int value) {
  atomic_store(&spinning, 1);
  while (!atomic_load(&released))
    ;
  return value + 1;
}

NOINLINE static int around_spin(int value) {
  int before = value * 11;
  return spin(value) + before;
}

static void *run_spin(void *argument) {
  *(int *)argument = around_spin(*(int *)argument);
  return NULL;
}

static void endless_callee(void) {
  pthread_t thread;
  int value = 4;
  long before = landed(other);
  pthread_create(&thread, NULL, run_spin, &value);
  while (!atomic_load(&spinning))
    ;
  CHECK(request("around_spin", other) == 1);
  CHECK(landed(other) == before); // it is still in there
  atomic_store(&released, 1);
  pthread_join(thread, NULL);
  CHECK(value == 49);
  CHECK(landed(other) == before + 1);
}

// 5. Recursion through several versions at once.

NOINLINE static unsigned versions(int depth, unsigned hash) {
  if (depth == 0)
    return hash;
  if (depth % 3 == 0)
    ask("versions", depth % 2 ? baseline : optimized);
  unsigned below = versions(depth - 1, hash * 31 + (unsigned)depth);
  return below ^ (hash + (unsigned)depth);
}

static unsigned expected_versions(int depth, unsigned hash) {
  return depth == 0 ? hash : expected_versions(depth - 1, hash * 31 + (unsigned)depth) ^ (hash + (unsigned)depth);
}

static void several_versions(void) {
  long in_baseline = landed(baseline), in_optimized = landed(optimized);
  CHECK(versions(60, 1) == expected_versions(60, 1));
  CHECK(landed(baseline) > in_baseline);
  CHECK(landed(optimized) > in_optimized);
}

// 6. A frame is replaced again while its first replacement is pending: the last request counts.

NOINLINE static int replace_thrice(const char *whom, int times) {
  long expected = 1;
  for (int i = 0; i < times; i++) {
    int tier = i % 2 ? first : other;
    CHECK(ask(whom, tier) == expected);
    CHECK(ask(whom, tier) == 0); // is on its way there already
  }
  return times;
}

NOINLINE static int pending(int times) {
  int before = times * 100;
  return replace_thrice("pending", times) + before;
}

static void replaced_again(void) {
  for (int times = 1; times <= 4; times++) {
    long there = landed(other), back = landed(first);
    request("pending", first); // calls to come begin where all others do
    CHECK(pending(times) == 101 * times);
    CHECK(landed(other) == there + times % 2);
    CHECK(landed(first) == back + (times % 2 == 0));
  }
}

int main(int argc, char **argv) {
  first = argc > 1 && strcmp(argv[1], "baseline") == 0 ? baseline : optimized;
  other = first == baseline ? optimized : baseline;
  inlined_away();
  unrolled_copies();
  hoisted();
  endless_callee();
  several_versions();
  replaced_again();
  printf("%ld landed in baseline code, %ld went on in optimised code\n", landed(baseline), landed(optimized));
  return 0;
}
