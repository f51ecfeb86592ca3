// Check that digests (SHA-256, CRC-32, Adler-32), called through tables of pointers, survive replaced frames.
//
// Shifts, rotates, many words live over calls, tables built at run time. One wrong bit anywhere changes everything;
// the results are compared with published values.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// ---- a common interface, so that every digest is called through pointers ----

struct digest {
  const char *name;
  void (*begin)(void *state);
  void (*add)(void *state, const uint8_t *bytes, size_t count);
  void (*finish)(void *state, uint8_t *out);
  int size;
};

// ---- SHA-256; its constants are computed, with integer cube and square roots ----

struct sha256 {
  uint32_t h[8];
  uint8_t block[64];
  uint64_t length;
};

static uint32_t round_constants[64], initial_state[8];

static bool is_prime(int n) {
  for (int d = 2; d * d <= n; d++)
    if (n % d == 0)
      return false;
  return true;
}

// The first 32 bits of the fraction of the square (power 2) or cube (power 3) root, by bisection.
static uint32_t root_fraction(int n, int power) {
  unsigned __int128 target = (unsigned __int128)n << (32 * power);
  uint64_t low = 0, high = 1ull << 37;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    unsigned __int128 value = (unsigned __int128)middle * middle * (power == 3 ? middle : 1);
    if (value <= target)
      low = middle;
    else
      high = middle;
  }
  return (uint32_t)low;
}

static void compute_constants(void) {
  for (int n = 2, found = 0; found < 64; n++) {
    if (!is_prime(n))
      continue;
    if (found < 8)
      initial_state[found] = root_fraction(n, 2);
    round_constants[found++] = root_fraction(n, 3);
  }
}

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }
static uint32_t small_sigma(uint32_t x, int a, int b, int c) { return rotate(x, a) ^ rotate(x, b) ^ x >> c; }
static uint32_t large_sigma(uint32_t x, int a, int b, int c) { return rotate(x, a) ^ rotate(x, b) ^ rotate(x, c); }
static uint32_t select_bits(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (~x & z); }
static uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (x & z) ^ (y & z); }

static void sha256_block(struct sha256 *s) {
  uint32_t w[64];
  uint32_t a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4], f = s->h[5], g = s->h[6], h = s->h[7];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 | (uint32_t)s->block[4 * i + 2] << 8 |
           s->block[4 * i + 3];
  for (int i = 16; i < 64; i++)
    w[i] = w[i - 16] + small_sigma(w[i - 15], 7, 18, 3) + w[i - 7] + small_sigma(w[i - 2], 17, 19, 10);
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = h + large_sigma(e, 6, 11, 25) + select_bits(e, f, g) + round_constants[i] + w[i];
    uint32_t t2 = large_sigma(a, 2, 13, 22) + majority(a, b, c);
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const uint32_t sum[] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; i++)
    s->h[i] += sum[i];
}

static void sha256_begin(void *state) {
  struct sha256 *s = state;
  memcpy(s->h, initial_state, sizeof s->h);
  s->length = 0;
}

static void sha256_add(void *state, const uint8_t *bytes, size_t count) {
  struct sha256 *s = state;
  for (size_t i = 0; i < count; i++) {
    s->block[s->length++ % 64] = bytes[i];
    if (s->length % 64 == 0)
      sha256_block(s);
  }
}

static void sha256_finish(void *state, uint8_t *out) {
  struct sha256 *s = state;
  uint64_t bits = s->length * 8;
  sha256_add(s, &(uint8_t){0x80}, 1);
  while (s->length % 64 != 56)
    sha256_add(s, &(uint8_t){0}, 1);
  for (int shift = 56; shift >= 0; shift -= 8)
    sha256_add(s, &(uint8_t){(uint8_t)(bits >> shift)}, 1);
  for (int i = 0; i < 32; i++)
    out[i] = (uint8_t)(s->h[i / 4] >> (24 - i % 4 * 8));
}

// ---- CRC-32 with a table, Adler-32, FNV ----

static uint32_t crc_table[256];

static uint32_t crc_entry(uint32_t value, int bits) {
  return bits == 0 ? value : crc_entry(value >> 1 ^ (value & 1 ? 0xedb88320u : 0), bits - 1);
}

static void store_word(uint32_t word, uint8_t *out) {
  for (int i = 0; i < 4; i++)
    out[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void crc_begin(void *state) { *(uint32_t *)state = 0xffffffffu; }
static void crc_add(void *state, const uint8_t *bytes, size_t count) {
  uint32_t crc = *(uint32_t *)state;
  for (size_t i = 0; i < count; i++)
    crc = crc_table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
  *(uint32_t *)state = crc;
}
static void crc_finish(void *state, uint8_t *out) { store_word(~*(uint32_t *)state, out); }

static void adler_begin(void *state) { *(uint32_t *)state = 1; }
static void adler_add(void *state, const uint8_t *bytes, size_t count) {
  uint32_t a = *(uint32_t *)state & 0xffff, b = *(uint32_t *)state >> 16;
  for (size_t i = 0; i < count; i++) {
    a = (a + bytes[i]) % 65521;
    b = (b + a) % 65521;
  }
  *(uint32_t *)state = b << 16 | a;
}
static void adler_finish(void *state, uint8_t *out) { store_word(*(uint32_t *)state, out); }

static const struct digest digests[] = {
    {"sha256", sha256_begin, sha256_add, sha256_finish, 32},
    {"crc32", crc_begin, crc_add, crc_finish, 4},
    {"adler32", adler_begin, adler_add, adler_finish, 4},
};

// Feeds the text in pieces of changing size, by recursion.
static void feed(const struct digest *d, void *state, const uint8_t *bytes, size_t count, size_t piece) {
  size_t now = count < piece ? count : piece;
  d->add(state, bytes, now);
  if (count > now)
    feed(d, state, bytes + now, count - now, piece % 97 + 13);
}

static void compute(const struct digest *d, const char *text, size_t count, char *hex) {
  struct sha256 state; // large enough and aligned for all
  uint8_t out[32];
  d->begin(&state);
  feed(d, &state, (const uint8_t *)text, count, 40);
  d->finish(&state, out);
  for (int i = 0; i < d->size; i++)
    sprintf(hex + 2 * i, "%02x", out[i]);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 2 + scale * scale * scale / 20;
  static const char *const abc[] = {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "352441c2",
                                    "024d0127"};
  char text[2001], hex[65];
  unsigned wrong = 0;

  compute_constants();
  for (uint32_t i = 0; i < 256; i++)
    crc_table[i] = crc_entry(i, 8);
  for (int d = 0; d < 3; d++) {
    compute(&digests[d], "abc", 3, hex);
    wrong += strcmp(hex, abc[d]) != 0;
    printf("%s of abc: %s\n", digests[d].name, hex);
  }
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)('a' + i % 26);
  for (int round = 0; round < rounds; round++)
    for (int d = 0; d < 3; d++) {
      compute(&digests[d], text, (size_t)(scale < 10 ? 70 + round : 500 + round % 1500), hex);
      memcpy(text + (round * 7 + d) % 400, hex, 8); // the next text depends on this result
    }
  printf("%d rounds, %u wrong, last %.8s\n", rounds, wrong, hex);
  return wrong != 0;
}
