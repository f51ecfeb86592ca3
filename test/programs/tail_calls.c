// Check that tail calls (self, mutual, through pointers, with different argument lists) and replaced frames get along.
//
// Optimised code turns them into jumps, so frames vanish that exist in the baseline; a stub must neither miss them
// nor wait for their return. At most 10,000 deep, so it also works where every tail call is a real call.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// ---- self and mutual tail calls with accumulators ----

static uint64_t sum_down(uint64_t n, uint64_t sum) { return n == 0 ? sum : sum_down(n - 1, sum * 3 + n); }

static bool is_odd(unsigned n);
static bool is_even(unsigned n) { return n == 0 ? true : is_odd(n - 1); }
static bool is_odd(unsigned n) { return n == 0 ? false : is_even(n - 1); }

static uint64_t gcd(uint64_t a, uint64_t b) { return b == 0 ? a : gcd(b, a % b); }

// ---- a scanner whose states tail-call each other through a table ----

struct scanner {
  const char *at;
  unsigned words, numbers, other;
};

typedef unsigned (*state)(struct scanner *s, unsigned hash);

static unsigned in_gap(struct scanner *s, unsigned hash);
static unsigned in_word(struct scanner *s, unsigned hash);
static unsigned in_number(struct scanner *s, unsigned hash);
static unsigned in_other(struct scanner *s, unsigned hash);
static unsigned at_end(struct scanner *s, unsigned hash);

static state next_state(char c) {
  static const state table[] = {at_end, in_gap, in_word, in_number, in_other};
  if (c == '\0')
    return table[0];
  if (c == ' ')
    return table[1];
  if (c >= 'a' && c <= 'z')
    return table[2];
  return table[c >= '0' && c <= '9' ? 3 : 4];
}

static unsigned in_gap(struct scanner *s, unsigned hash) {
  char c = *++s->at;
  return next_state(c)(s, hash + 1);
}

static unsigned in_word(struct scanner *s, unsigned hash) {
  char before = *s->at, c = *++s->at;
  s->words += c < 'a' || c > 'z';
  return next_state(c)(s, hash * 31 + (unsigned char)before);
}

static unsigned in_number(struct scanner *s, unsigned hash) {
  char before = *s->at, c = *++s->at;
  s->numbers += c < '0' || c > '9';
  return next_state(c)(s, hash * 37 + (unsigned char)before);
}

static unsigned in_other(struct scanner *s, unsigned hash) {
  s->other++;
  return next_state(*++s->at)(s, hash ^ 0x5a5a);
}

static unsigned at_end(struct scanner *s, unsigned hash) { return hash + s->words * 3 + s->numbers * 5 + s->other * 7; }

// ---- tail calls with fewer and with more arguments, and mixed with frames that stay ----

static uint64_t with_two(uint64_t n, uint64_t a);

static uint64_t with_nine(uint64_t n, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
                          uint64_t g, double x) {
  if (n == 0)
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + (uint64_t)x;
  return with_two(n - 1, a ^ b ^ c ^ d ^ e ^ f ^ (g << 5) ^ (uint64_t)x);
}

static uint64_t with_two(uint64_t n, uint64_t a) {
  if (n == 0)
    return a;
  return with_nine(n - 1, a * 3, a + n, n, a >> 3, 5, a << 1, n * n, (double)(n & 255) * 0.5);
}

static uint64_t stays(uint64_t n, uint64_t seed) {
  uint64_t tail = with_two(n % 7, seed);
  if (n == 0)
    return tail;
  uint64_t below = stays(n - 1, tail + n);
  return gcd(below % 5040 + 1, (tail + n) % 720 + 1) + below * 3;
}

// ---- continuation passing: the continuation is a struct in an older frame ----

struct continuation {
  uint64_t (*resume)(const struct continuation *self, uint64_t value);
  const struct continuation *then;
  uint64_t kept;
};

static uint64_t finish(const struct continuation *self, uint64_t value) { return value + self->kept; }

static uint64_t multiply_then(const struct continuation *self, uint64_t value) {
  return self->then->resume(self->then, value * self->kept % 1000000007);
}

static uint64_t factorial(uint64_t n, const struct continuation *then) {
  struct continuation mine = {multiply_then, then, n};
  return n <= 1 ? then->resume(then, 1) : factorial(n - 1, &mine);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  unsigned depth = 100u * (unsigned)scale > 10000 ? 10000 : 100u * (unsigned)scale;
  uint64_t hash = 1;
  unsigned evens = 0;

  for (unsigned i = 0; i < 10; i++) {
    hash = hash * 31 + sum_down(depth - i, i);
    evens += is_even(depth - i);
    hash = hash * 31 + gcd(1000000 + i * 77, 1 + i * 1234);
  }
  printf("depth %u: %u even, hash %016llx\n", depth, evens, (unsigned long long)hash);

  static const char text[] = "every frame is left 1 time through a return, never 2 or 33 times; 4th: landing!";
  unsigned scanned = 0;
  struct scanner s = {.at = text};
  for (int i = 0; i < 2 * scale; i++) {
    s = (struct scanner){.at = text + i % 11};
    scanned = scanned * 17 + next_state(*s.at)(&s, (unsigned)i);
  }
  printf("scanner: %u words, %u numbers, %u other, hash %08x\n", s.words, s.numbers, s.other, scanned);

  const struct continuation last = {finish, NULL, 5};
  uint64_t product = 0;
  for (unsigned i = 0; i < 20; i++)
    product = product * 3 + factorial(i + (unsigned)scale, &last);
  printf("arguments: %016llx %016llx, continuations: %016llx\n", (unsigned long long)with_two(depth, 7),
         (unsigned long long)stays(depth / 10, 3), (unsigned long long)product);
  return evens == 5 ? 0 : 1;
}
