// Check that compressors (LZ77 and Huffman, round trip) survive replaced frames.
//
// Bit streams whose state is in structs and in frame values, a heap of tree nodes, recursive code assignment and a
// hash-chain match finder; any wrong bit breaks the round trip.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum { max_input = 4096, max_output = 3 * max_input };

// ---- bit stream ----

struct bits {
  uint8_t bytes[max_output];
  size_t length, read_at;
};

static void put_bit(struct bits *b, unsigned bit) {
  if (b->length / 8 == max_output)
    abort();
  uint8_t *byte = &b->bytes[b->length / 8];
  if (b->length % 8 == 0)
    *byte = 0;
  *byte |= (uint8_t)(bit << b->length++ % 8);
}

static void put_bits(struct bits *b, uint32_t value, int count) {
  for (int i = 0; i < count; i++)
    put_bit(b, value >> i & 1);
}

static unsigned take_bit(struct bits *b) {
  if (b->read_at >= b->length)
    abort();
  unsigned bit = b->bytes[b->read_at / 8] >> b->read_at % 8 & 1;
  b->read_at++;
  return bit;
}

static uint32_t take_bits(struct bits *b, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; i++)
    value |= (uint32_t)take_bit(b) << i;
  return value;
}

// ---- LZ77: (offset, length) pairs of 12 and 4 bits, or a literal ----

struct matcher {
  int16_t head[256], previous[max_input];
};

static unsigned hash_at(const uint8_t *p) { return (p[0] * 33u ^ p[1] * 7u ^ p[2]) & 255; }

static int match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end) {
  int length = 0;
  while (length < 18 && b + length < end && a[length] == b[length])
    length++;
  return length;
}

static int find_match(const struct matcher *m, const uint8_t *in, int at, int size, int *offset) {
  int best = 0, tries = 12;
  for (int candidate = m->head[hash_at(in + at)]; candidate >= 0 && tries-- > 0; candidate = m->previous[candidate]) {
    int length = match_length(in + candidate, in + at, in + size);
    if (length > best) {
      best = length;
      *offset = at - candidate;
    }
  }
  return best;
}

static void remember(struct matcher *m, const uint8_t *in, int at, int size) {
  if (at + 3 > size)
    return;
  unsigned hash = hash_at(in + at);
  m->previous[at] = m->head[hash];
  m->head[hash] = (int16_t)at;
}

static void lz_compress(const uint8_t *in, int size, struct bits *out) {
  struct matcher m;
  memset(&m, 0xff, sizeof m);
  for (int at = 0; at < size;) {
    int offset = 0, length = at + 3 <= size ? find_match(&m, in, at, size, &offset) : 0;
    if (length < 3) {
      put_bit(out, 0);
      put_bits(out, in[at], 8);
      length = 1;
    } else {
      put_bit(out, 1);
      put_bits(out, (uint32_t)offset, 12);
      put_bits(out, (uint32_t)length - 3, 4);
    }
    for (; length > 0; length--)
      remember(&m, in, at++, size);
  }
}

static int lz_expand(struct bits *in, uint8_t *out) {
  int size = 0;
  while (in->read_at < in->length) {
    if (!take_bit(in)) {
      out[size++] = (uint8_t)take_bits(in, 8);
      continue;
    }
    int offset = (int)take_bits(in, 12);
    for (int length = (int)take_bits(in, 4) + 3; length > 0; length--, size++)
      out[size] = out[size - offset];
  }
  return size;
}

// ---- Huffman ----

struct huffman {
  struct { uint32_t weight; int16_t left, right; } node[511];
  int nodes, root;
  uint32_t code[256];
  uint8_t code_length[256];
};

static int lightest(const struct huffman *h, const bool *joined) {
  int best = -1;
  for (int i = 0; i < h->nodes; i++)
    if (!joined[i] && h->node[i].weight && (best < 0 || h->node[i].weight < h->node[best].weight))
      best = i;
  return best;
}

static void assign_codes(struct huffman *h, int node, uint32_t code, int length) {
  if (node < 256) {
    h->code[node] = code;
    h->code_length[node] = (uint8_t)(length ? length : 1);
    return;
  }
  assign_codes(h, h->node[node].left, code, length + 1);
  assign_codes(h, h->node[node].right, code | 1u << length, length + 1);
}

static void build(struct huffman *h, const uint8_t *in, int size) {
  bool joined[511] = {false};
  memset(h, 0, sizeof *h);
  h->nodes = 256;
  for (int i = 0; i < size; i++)
    h->node[in[i]].weight++;
  for (;;) {
    int a = lightest(h, joined);
    joined[a] = true;
    int b = lightest(h, joined);
    if (b < 0) {
      h->root = a;
      break;
    }
    joined[b] = true;
    h->node[h->nodes].weight = h->node[a].weight + h->node[b].weight;
    h->node[h->nodes].left = (int16_t)a;
    h->node[h->nodes++].right = (int16_t)b;
  }
  assign_codes(h, h->root, 0, 0);
}

static int decode_symbol(const struct huffman *h, struct bits *in, int node) {
  if (node < 256)
    return node;
  return decode_symbol(h, in, take_bit(in) ? h->node[node].right : h->node[node].left);
}

static bool huffman_round_trip(const uint8_t *in, int size, struct bits *packed) {
  static struct huffman h;
  build(&h, in, size);
  packed->length = packed->read_at = 0;
  for (int i = 0; i < size; i++)
    put_bits(packed, h.code[in[i]], h.code_length[in[i]]);
  if (h.root < 256)
    return packed->length == (size_t)size;
  for (int i = 0; i < size; i++)
    if (decode_symbol(&h, packed, h.root) != in[i])
      return false;
  return packed->read_at == packed->length;
}

static int make_text(uint8_t *text, int size, uint32_t seed) {
  static const char *const words[] = {"the ", "frame ",   "is ",   "left ", "by ",
                                      "a ",   "return, ", "only ", "site ", "\n"};
  int length = 0;
  while (length + 8 < size) {
    seed = seed * 1664525u + 1013904223u;
    const char *word = words[(seed >> 24) % 10];
    size_t part = strlen(word);
    memcpy(text + length, word, part);
    length += (int)part;
    if (seed % 31 == 0)
      text[length++] = (uint8_t)seed;
  }
  return length;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 2 + scale * scale / 6;
  static uint8_t text[max_input], back[max_input];
  static struct bits lz, entropy;
  size_t input = 0, after_lz = 0, after_both = 0;
  unsigned wrong = 0;

  for (int round = 0; round < rounds; round++) {
    int size = make_text(text, scale < 10 ? 300 + round * 100 % 700 : 4000 - round % 2000, (uint32_t)round);
    lz.length = lz.read_at = 0;
    lz_compress(text, size, &lz);
    input += (size_t)size;
    after_lz += (lz.length + 7) / 8;
    wrong += lz_expand(&lz, back) != size || memcmp(text, back, (size_t)size) != 0;
    wrong += !huffman_round_trip(text, size, &entropy);
    wrong += !huffman_round_trip(lz.bytes, (int)(lz.length / 8), &entropy);
    after_both += (entropy.length + 7) / 8;
  }
  memset(text, 'x', 100);
  wrong += !huffman_round_trip(text, 100, &entropy);
  printf("%d rounds: %zu bytes, %zu after LZ77, %zu after both, ", rounds, input, after_lz, after_both);
  printf("%u wrong\n", wrong);
  return wrong != 0;
}
