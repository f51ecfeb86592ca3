// Check that functions full of switches and gotos survive replaced frames.
//
// Sparse, dense, nested and string switches, Duff's device, a scanner as a goto machine. Such functions have
// irregular control flow, with loops that have several entries: each call in them is a site that is reached on many
// paths.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// ---- a scanner written as a goto machine ----

struct counts {
  unsigned numbers, words, strings, comments, errors, lines;
  uint32_t hash;
};

static void note(struct counts *c, unsigned *counter, const char *from, const char *to) {
  ++*counter;
  for (; from < to; from++)
    c->hash = (c->hash ^ (unsigned char)*from) * 16777619u;
}

static bool is_word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void scan(const char *at, struct counts *c) {
  const char *start;
  int nesting = 0;
blank:
  start = at;
  switch (*at) {
  case '\0': goto done;
  case '\n': c->lines++; // fall through
  case ' ': case '\t': at++; goto blank;
  case '"': at++; goto string;
  case '0': if (at[1] == 'x') { at += 2; goto hex; } // fall through
  case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': goto number;
  case '(': if (at[1] == '*') goto comment; // fall through
  default: if (is_word_char(*at)) goto word; at++; note(c, &c->errors, start, at); goto blank;
  }
number:
  while (is_digit(*at)) at++;
  if (*at == '.' && is_digit(at[1])) { at++; goto number; }
  note(c, &c->numbers, start, at);
  if (is_word_char(*at)) { start = at; goto word; }
  goto blank;
hex:
  if (is_digit(*at) || (*at >= 'a' && *at <= 'f')) { at++; goto hex; }
  note(c, &c->numbers, start, at);
  goto blank;
word:
  while (is_word_char(*at) || is_digit(*at)) at++;
  note(c, &c->words, start, at);
  goto blank;
string:
  if (*at == '\\' && at[1]) { at += 2; goto string; }
  if (*at == '\0') { note(c, &c->errors, start, at); goto done; }
  if (*at++ != '"') goto string;
  note(c, &c->strings, start, at);
  goto blank;
comment:
  if (at[0] == '(' && at[1] == '*') { nesting++; at += 2; goto comment; }
  if (at[0] == '*' && at[1] == ')') {
    at += 2;
    if (--nesting > 0) goto comment;
    note(c, &c->comments, start, at);
    goto blank;
  }
  if (*at) { at++; goto comment; }
  note(c, &c->errors, start, at);
done:
  c->hash += c->lines;
}

// ---- switch on strings ----

static uint32_t string_code(const char *s) {
  uint32_t code = 0;
  while (*s)
    code = code << 5 ^ code >> 27 ^ (unsigned char)*s++;
  return code;
}

// The case labels are computed at compile time from up to five letters, most significant first.
#define CODE3(a, b, c) (((uint32_t)(a) << 5 ^ (b)) << 5 ^ (uint32_t)(c))
#define CODE4(a, b, c, d) (CODE3(a, b, c) << 5 ^ (uint32_t)(d))
#define CODE5(a, b, c, d, e) (CODE4(a, b, c, d) << 5 ^ CODE4(a, b, c, d) >> 27 ^ (uint32_t)(e))

static int days_in(const char *month, bool leap) {
  switch (string_code(month)) {
  case CODE3('f', 'e', 'b'): return strcmp(month, "feb") == 0 ? 28 + leap : -1;
  case CODE3('a', 'p', 'r'): case CODE4('j', 'u', 'n', 'e'): case CODE4('s', 'e', 'p', 't'): case CODE3('n', 'o', 'v'):
    return 30;
  case CODE3('j', 'a', 'n'): case CODE5('m', 'a', 'r', 'c', 'h'): case CODE3('m', 'a', 'y'):
  case CODE4('j', 'u', 'l', 'y'): case CODE3('a', 'u', 'g'): case CODE3('o', 'c', 't'): case CODE3('d', 'e', 'c'):
    return 31;
  default: return 0;
  }
}

// ---- Duff's device that calls for each element: a loop with eight entries ----

static uint32_t touch(uint32_t hash, uint8_t byte) { return (hash << 7 | hash >> 25) + byte; }

static uint32_t duff(const uint8_t *bytes, size_t count, uint32_t hash) {
  if (count == 0)
    return hash;
  size_t rounds = (count + 7) / 8;
  switch (count % 8) {
  case 0: do { hash = touch(hash, *bytes++); // fall through
  case 7: hash = touch(hash, *bytes++); // fall through
  case 6: hash = touch(hash, *bytes++); // fall through
  case 5: hash = touch(hash, *bytes++); // fall through
  case 4: hash = touch(hash, *bytes++); // fall through
  case 3: hash = touch(hash, *bytes++); // fall through
  case 2: hash = touch(hash, *bytes++); // fall through
  case 1: hash = touch(hash, *bytes++);
    } while (--rounds > 0);
  }
  return hash;
}

// ---- sparse and 64-bit switches, ranges, nested switches ----

static int classify(int64_t value, int mode) {
  switch (value) {
  case -5000000000: return 1;
  case -1: return 2;
  case 0 ... 9: return mode ? classify(value * 1000, mode - 1) + 1 : 3;
  case 1000: case 2000: case 4000: case 8000:
    switch (mode) {
    case 0: return 4;
    case 1: return classify(-1, 0) + 10;
    default: return classify(value - 1000, mode - 2) + 20;
    }
  case 5000000000: return 5;
  default: return value < 0 ? -6 : 6;
  }
}

int main(int argc, char **argv) {
  int rounds = 5 * read_scale(argc, argv);
  static const char text[] = "let x1 = 0x1f + 3.14 (* outer (* inner *) still *)\n"
                             " say \"a \\\"quoted\\\" word\" 12abc\n"
                             "? (rest) of_it 007 \"open";
  static const char *const months[] = {"jan", "feb", "march", "apr", "may", "june", "july",
                                       "aug", "sept", "oct", "nov", "dec", "never"};
  static const int64_t values[] = {-5000000000, -1, 0, 1, 2, 4, 8, 9, 10, 1000, 2000, 8000, 5000000000, -77};
  struct counts c = {0};
  uint32_t hash = 1;
  int days = 0, classes = 0;
  uint8_t bytes[64];

  for (int i = 0; i < 64; i++)
    bytes[i] = (uint8_t)(i * 37);
  for (int round = 0; round < rounds; round++) {
    scan(text + round % 20, &c);
    for (int m = 0; m < 13; m++)
      days += days_in(months[m], round % 4 == 0);
    hash = duff(bytes, (size_t)(round % 65), hash);
    for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
      classes = (classes * 7 + classify(values[v], round % 5)) & 0xfffff;
  }
  printf("%u numbers, %u words, %u strings, %u comments, %u errors, %u lines, hash %08x\n", c.numbers, c.words,
         c.strings, c.comments, c.errors, c.lines, c.hash);
  printf("%d rounds, %d days, bytes %08x, classes %d\n", rounds, days, hash, classes);
  return 0;
}
