// Check that __int128 values as arguments, results and live values, and big-number arithmetic, survive replaced frames.
//
// An __int128 is one value in two registers (or two stack words): a frame rebuilt with halves swapped or one half
// stale gives wrong primes and wrong factorials. Division of __int128 calls into the compiler's support library.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

typedef unsigned __int128 uint128;
typedef __int128 int128;

// ---- primes by Miller-Rabin with 128-bit products, factors by Pollard's rho ----

static uint64_t times_modulo(uint64_t a, uint64_t b, uint64_t m) { return (uint64_t)((uint128)a * b % m); }

static uint64_t power_modulo(uint64_t base, uint64_t exponent, uint64_t m) {
  if (exponent == 0)
    return 1;
  uint64_t half = power_modulo(base, exponent / 2, m);
  uint64_t square = times_modulo(half, half, m);
  return exponent & 1 ? times_modulo(square, base, m) : square;
}

static bool passes(uint64_t n, uint64_t witness) {
  int twos = __builtin_ctzll(n - 1);
  uint64_t x = power_modulo(witness % n, (n - 1) >> twos, n);
  if (x == 0 || x == 1 || x == n - 1)
    return true;
  while (--twos > 0) {
    x = times_modulo(x, x, n);
    if (x == n - 1)
      return true;
  }
  return false;
}

static bool is_prime(uint64_t n) {
  static const uint64_t witnesses[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  if (n < 2 || n % 2 == 0)
    return n == 2;
  for (unsigned i = 0; i < sizeof witnesses / sizeof witnesses[0]; i++)
    if (!passes(n, witnesses[i]))
      return false;
  return true;
}

static uint64_t gcd(uint64_t a, uint64_t b) { return b ? gcd(b, a % b) : a; }

static uint64_t find_factor(uint64_t n, uint64_t step) {
  uint64_t slow = 2, fast = 2, common = 1;
  if (n % 2 == 0)
    return 2;
  while (common == 1) {
    slow = (times_modulo(slow, slow, n) + step) % n;
    fast = (times_modulo(fast, fast, n) + step) % n;
    fast = (times_modulo(fast, fast, n) + step) % n;
    common = gcd(slow > fast ? slow - fast : fast - slow, n);
  }
  return common == n ? find_factor(n, step + 1) : common;
}

static uint64_t largest_prime_factor(uint64_t n) {
  if (n == 1 || is_prime(n))
    return n;
  uint64_t factor = find_factor(n, 1);
  uint64_t a = largest_prime_factor(factor), b = largest_prime_factor(n / factor);
  return a > b ? a : b;
}

// ---- 128-bit values through calls ----

static uint128 fibonacci(int n, uint128 *next) {
  if (n == 0) {
    *next = 1;
    return 0;
  }
  uint128 b, a = fibonacci(n / 2, &b); // F(k), F(k+1) give F(2k), F(2k+1)
  uint128 even = a * (2 * b - a), odd = a * a + b * b;
  *next = n % 2 ? even + odd : odd;
  return n % 2 ? odd : even;
}

static int128 signed_chain(int128 a, int depth, int128 b) {
  if (depth == 0)
    return a - b;
  int128 below = signed_chain(b / 3, depth - 1, a * 2 - b / 7);
  return below + (a >> depth) - b * 2 / (depth + 1) + (a > b);
}

static char *print_decimal(uint128 value, char *out) {
  if (value >= 10)
    out = print_decimal(value / 10, out);
  *out++ = (char)('0' + (int)(value % 10));
  *out = '\0';
  return out;
}

// ---- big numbers: words in base 10^9, least first ----

enum { max_words = 120 };
struct big {
  uint32_t words[max_words];
  int count;
};

static void add_product(struct big *sum, int at, uint32_t a, uint32_t b) {
  uint64_t carry = (uint64_t)a * b;
  for (; carry; at++) {
    if (at >= sum->count) {
      if (at >= max_words)
        abort();
      sum->words[at] = 0;
      sum->count = at + 1;
    }
    carry += sum->words[at];
    sum->words[at] = (uint32_t)(carry % 1000000000);
    carry /= 1000000000;
  }
}

static struct big multiply(const struct big *a, const struct big *b) {
  struct big product = {.count = 0};
  for (int i = 0; i < a->count; i++)
    for (int j = 0; j < b->count; j++)
      add_product(&product, i + j, a->words[i], b->words[j]);
  return product;
}

// The product from..to by halves: big structs returned through recursion.
static struct big product_of_range(uint32_t from, uint32_t to) {
  if (from == to)
    return (struct big){{from}, 1};
  struct big low = product_of_range(from, (from + to) / 2);
  struct big high = product_of_range((from + to) / 2 + 1, to);
  return multiply(&low, &high);
}

static uint32_t digit_sum(const struct big *b) {
  uint32_t sum = 0;
  for (int i = 0; i < b->count; i++)
    for (uint32_t word = b->words[i]; word; word /= 10)
      sum += word % 10;
  return sum;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 3 + scale * scale * scale / 20;
  uint64_t hash = 0, primes = 0;
  char text[48];
  uint128 next;

  for (int round = 0; round < rounds; round++) {
    uint64_t candidate = (1ull << 61) - 1 - (uint64_t)round * 2;
    primes += is_prime(candidate);
    hash = hash * 31 + largest_prime_factor(600851475143u + (uint64_t)round);
    uint128 f = fibonacci(100 + round % 86, &next);
    hash = hash * 31 + (uint64_t)(f >> 64) + (uint64_t)f;
    int128 chain = signed_chain((int128)round * 1000000007 - ((int128)1 << 80), round % 20, (int128)round << 64);
    hash = hash * 31 + (uint64_t)(chain >> 64) + (uint64_t)chain;
  }
  for (int i = 0; i < 1 + scale; i++) {
    uint32_t n = 25 + (uint32_t)i * 5 % 200;
    struct big factorial = product_of_range(1, n);
    hash = hash * 31 + digit_sum(&factorial);
    if (i == 0)
      printf("%u! = %u%09u%09u, digits add up to %u\n", n, factorial.words[2], factorial.words[1], factorial.words[0],
             digit_sum(&factorial));
  }
  print_decimal(fibonacci(185, &next), text);
  printf("F(185) = %s, ", text);
  print_decimal(~(uint128)0, text);
  printf("largest %s\n%d rounds, %llu primes, hash %016llx\n", text, rounds, (unsigned long long)primes,
         (unsigned long long)hash);
  return strlen(text) == 39 ? 0 : 1;
}
