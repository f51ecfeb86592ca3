// Check that what was stored is in memory at calls that are known not to look at it: const and pure functions, arguments
// that nothing else points to, memory that nobody else knows.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))
#define CONST __attribute__((const, noinline))
#define PURE __attribute__((pure, noinline))

static unsigned long events, sums[32];
static double level;
static struct { unsigned rounds; unsigned char last; unsigned long seen[3]; } state;

// Each calls itself twice, so that it stays a call, and frames of its callers wait while it runs.
CONST static unsigned long digits(unsigned long n, unsigned base) { return n < base ? n : digits(n / base, base) + digits(n % base, base); }
CONST static double halves(double x) { return x < 1 ? x : halves(x / 2) + halves(x / 4) + 1; }
PURE static unsigned length_of(const char *text) { return *text ? length_of(text + 1) + length_of("") + 1 : 0; }
PURE static unsigned long weight(const unsigned long *values, unsigned count) {
  return count ? values[count - 1] + 2 * weight(values, count - 1) + weight(values, count / 2) : 0;
}
NOINLINE static void bump(unsigned long *place, unsigned depth) { // writes through its argument, and nothing else
  if (depth) {
    bump(place, depth - 1);
    bump(place, depth / 2);
  }
  *place += depth;
}

NOINLINE static unsigned long counted(unsigned n) {
  unsigned long total = 0;
  for (unsigned i = 0; i < n; i++) {
    events++;
    sums[i % 32] += i;
    total += digits(i * 977UL, 7) ^ digits(i, 10);
    state.rounds = i;
    level += halves(i);
    state.last += digits(i, 3);
  }
  return total + state.rounds;
}

NOINLINE static unsigned long conditional(const char *text, unsigned n) {
  unsigned long total = 0;
  for (unsigned i = 0; i < n; i++) {
    if (i & 1)
      state.seen[i % 3] = i;
    else
      events += 3;
    total += length_of(text + i % 5);
    if (total % 7 == 0) // alike, but other values are wanted behind each
      total += digits(total, 5) + state.seen[0];
    else
      total += digits(total, 5) + state.seen[1];
  }
  return total;
}

// Becomes a part of its callers, with what it promises about its arguments.
static inline void mix(unsigned long *restrict to, const unsigned long *restrict from, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    *to += from[i % 8];
    to[1] ^= digits(*to & 0xffff, 6);
    to[2 + i % 2] = weight(from, i % 4);
  }
}

NOINLINE static unsigned long mixed(unsigned n) {
  unsigned long from[8], *to = calloc(4, sizeof *to);
  for (unsigned i = 0; i < 8; i++)
    from[i] = i * i + 1;
  mix(to, from, n);
  mix(sums, from, n);
  mix(sums + 8, sums, n);
  unsigned long result = to[0] + to[1] * 3 + to[2] * 5 + to[3] * 7;
  free(to);
  return result;
}

// Nobody else has the address of what it allocates.
NOINLINE static unsigned long private_memory(unsigned n) {
  unsigned long *cells = malloc(6 * sizeof *cells), total = 0;
  memset(cells, 0, 6 * sizeof *cells);
  for (unsigned i = 0; i < n; i++) {
    cells[0] += i;
    cells[1 + i % 5] = cells[0];
    total ^= digits(cells[0], 9);
    bump(&cells[5], i % 3);
  }
  for (unsigned i = 0; i < 6; i++)
    total = total * 31 + cells[i];
  free(cells);
  return total;
}

// The store of a round is overwritten in the next one, and only the last is looked at.
NOINLINE static unsigned long last_of(unsigned n, unsigned long *out) {
  unsigned long total = 0;
  unsigned i = 0;
  do {
    *out = total;
    total += digits(i * 131UL + total % 1000, 4);
  } while (++i < n);
  return total;
}

int main(int argc, char **argv) {
  const unsigned n = 8 * (argc > 1 ? atoi(argv[1]) : 100);
  unsigned long last, total = counted(n);
  printf("%lu events %lu\n", total, events);
  printf("%lu\n", conditional("quietly", n));
  printf("%lu\n", mixed(n / 4));
  printf("%lu\n", private_memory(n));
  total = last_of(n, &last);
  printf("%lu %lu\n", total, last);
  unsigned long hash = events + state.rounds + state.last;
  for (unsigned i = 0; i < 32; i++)
    hash = hash * 1000003 + sums[i];
  for (unsigned i = 0; i < 3; i++)
    hash = hash * 31 + state.seen[i];
  printf("%lu %.3f\n", hash, level);
  return 0;
}
