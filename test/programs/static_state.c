// Check that all versions of a function share one copy of its state: static locals, thread-locals, tables, aliases.
//
// Static locals and thread-local variables must not be duplicated when a function is compiled again; initialisers
// that hold addresses of functions and data must agree with addresses taken at run time; weak and alias symbols
// too.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// ---- static locals ----

static unsigned next_number(void) {
  static unsigned counter = 100;
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return counter++ + (state & 15);
}

// A memo that recursion fills; its hits depend on there being one table only.
static unsigned memo_hits;

static uint64_t paths(int rows, int columns) {
  static uint64_t memo[32][32];
  if (rows == 0 || columns == 0)
    return 1;
  if (memo[rows][columns]) {
    memo_hits++;
    return memo[rows][columns];
  }
  uint64_t down = paths(rows - 1, columns);
  uint64_t right = paths(rows, columns - 1);
  return memo[rows][columns] = down + right;
}

static void reset_counter_to(unsigned **where, unsigned value) {
  static unsigned counter;
  counter = value;
  *where = &counter;
}

// ---- thread-local variables (one thread) ----

static _Thread_local int nesting = 3;
static _Thread_local struct {
  int values[8];
  int used;
} pool;
_Thread_local uint64_t visible_everywhere = 0x1234567;

static int nest(int depth) {
  int *mine = &nesting; // the address is live over the calls below
  ++*mine;
  pool.values[pool.used++ & 7] += depth;
  visible_everywhere = visible_everywhere * 31 + (uint64_t)depth;
  int below = depth > 0 ? nest(depth - 1) + 1 : *mine;
  --nesting;
  return mine == &nesting ? below : -1000;
}

// ---- tables whose initialisers are addresses ----

typedef int (*operation)(int);

static int increment(int n) { return n + 1; }
static int triple(int n) { return n * 3; }
static int apply_table(int n);

struct step {
  operation call;
  const struct step *next;
  const int *bonus;
};

static int bonuses[4] = {10, 20, 30, 40};
static const struct step last_step = {increment, NULL, &bonuses[3]};
static const struct step middle_step = {triple, &last_step, bonuses + 1};
static const struct step *const entry_points[] = {&middle_step, &last_step,
                                                  &(const struct step){apply_table, NULL, bonuses}};
static const ptrdiff_t distance = &bonuses[3] - &bonuses[0];

static int run_steps(const struct step *step, int n) {
  for (; step; step = step->next)
    n = step->call(n) + *step->bonus;
  return n;
}

static int apply_table(int n) { return n > 100 ? n % 7 : run_steps(entry_points[n & 1], n); }

// ---- weak, alias, and symbols that do not exist ----

int original(int n);
int original(int n) { return n * 5 + 1; }
int by_another_name(int n) __attribute__((alias("original")));
__attribute__((weak)) int overridable(int n) { return n - 1; }
extern int does_not_exist(int n) __attribute__((weak));
int shared_number = 17;
extern int same_number __attribute__((alias("shared_number")));

static int call_optional(int n) { return does_not_exist ? does_not_exist(n) : overridable(n); }

// ---- zero-initialised and large data, string literals ----

static uint8_t large[1 << 16];
static const char *const names[] = {"zero", "one", "two", "three"};
static char mutable_text[] = "mutable";

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  uint32_t hash = 1;
  unsigned *first, *second;

  for (int i = 0; i < 20 * scale; i++) {
    hash = hash * 31 + next_number();
    hash = hash * 31 + (uint32_t)paths(i % 30, (i * 7) % 30);
    hash = hash * 31 + (uint32_t)nest(i % 12);
    hash = hash * 31 + (uint32_t)run_steps(entry_points[i % 3], i);
    hash = hash * 31 + (uint32_t)(original(i) + by_another_name(i) + call_optional(i));
    bonuses[i & 3] ^= i & 15;
    large[(unsigned)i * 977u & 0xffff]++;
    mutable_text[i % 7] = (char)('a' + (mutable_text[i % 7] + i) % 26);
    hash += (unsigned char)names[i & 3][1];
    same_number += i & 3;
  }
  unsigned marked = 0;
  for (size_t i = 0; i < sizeof large; i++)
    marked += large[i] != 0;
  reset_counter_to(&first, 5);
  reset_counter_to(&second, 6);
  bool one_copy = first == second && *first == 6;
  operation volatile an_original = original, an_alias = by_another_name; // volatile: compared at run time
  bool same_addresses = an_alias == an_original && middle_step.call == triple && entry_points[2]->call == apply_table;
  printf("hash %08x, memo hits %u, nesting %d, pool %d, visible %016llx\n", hash, memo_hits, nesting, pool.used,
         (unsigned long long)visible_everywhere);
  printf("one copy %d, same addresses %d, distance %td, shared %d %d\n", one_copy, same_addresses, distance,
         shared_number, same_number);
  printf("marked %u, text %s, missing %d\n", marked, mutable_text, does_not_exist == NULL);
  return one_copy && same_addresses && nesting == 3 && shared_number == same_number ? 0 : 1;
}
