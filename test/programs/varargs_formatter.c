// Check that definitions and calls with variable arguments work when the frames around them are replaced.
//
// A formatter of our own takes its arguments with va_arg (integers, pointers, doubles, long doubles, structs),
// copies the list with va_copy, hands it on to helpers, and is itself called through a function pointer.

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

struct sink {
  char text[160];
  size_t length;
};

struct point {
  int x, y;
};
struct span {
  double from, to;
  const char *unit;
};

static void put_char(struct sink *out, char c) {
  if (out->length + 1 < sizeof out->text)
    out->text[out->length++] = c;
  out->text[out->length] = '\0';
}

static void put_text(struct sink *out, const char *text) {
  while (*text)
    put_char(out, *text++);
}

static void put_unsigned(struct sink *out, uint64_t value, unsigned base, int width) {
  if (value >= base || width > 1)
    put_unsigned(out, value / base, base, width - 1);
  put_char(out, "0123456789abcdef"[value % base]);
}

static void put_signed(struct sink *out, int64_t value) {
  if (value < 0)
    put_char(out, '-');
  put_unsigned(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 1);
}

static void put_fixed(struct sink *out, long double value, int digits) {
  long double scaled = value < 0 ? -value : value;
  uint64_t unit = 1;
  for (int i = 0; i < digits; i++)
    unit *= 10;
  uint64_t ticks = (uint64_t)(scaled * (long double)unit + 0.5L);
  if (value < 0)
    put_char(out, '-');
  put_unsigned(out, ticks / unit, 10, 1);
  put_char(out, '.');
  put_unsigned(out, ticks % unit, 10, digits);
}

static void format(struct sink *out, const char *pattern, ...);

// %d int, %l int64, %x uint64 in hex, %s text, %c char, %f double, %L long double, %p struct point, %r struct span
static void format_list(struct sink *out, const char *pattern, va_list args) {
  for (const char *at = pattern; *at; at++) {
    if (*at != '%') {
      put_char(out, *at);
      continue;
    }
    switch (*++at) {
    case 'd': put_signed(out, va_arg(args, int)); break;
    case 'l': put_signed(out, va_arg(args, int64_t)); break;
    case 'x': put_unsigned(out, va_arg(args, uint64_t), 16, 1); break;
    case 's': put_text(out, va_arg(args, const char *)); break;
    case 'c': put_char(out, (char)va_arg(args, int)); break;
    case 'f': put_fixed(out, va_arg(args, double), 3); break;
    case 'L': put_fixed(out, va_arg(args, long double), 5); break;
    case 'p': {
      struct point p = va_arg(args, struct point);
      format(out, "(%d;%d)", p.x, p.y);
      break;
    }
    case 'r': {
      struct span r = va_arg(args, struct span);
      format(out, "%f..%f%s", r.from, r.to, r.unit);
      break;
    }
    default: put_char(out, *at); break;
    }
  }
}

static void format(struct sink *out, const char *pattern, ...) {
  va_list args;
  va_start(args, pattern);
  format_list(out, pattern, args);
  va_end(args);
}

// Formats twice from one list: the copy must not notice what the original has consumed.
static bool format_twice(struct sink *out, const char *pattern, ...) {
  struct sink first = {.length = 0}, second = {.length = 0};
  va_list args, again;
  va_start(args, pattern);
  va_copy(again, args);
  format_list(&first, pattern, args);
  format_list(&second, pattern, again);
  va_end(again);
  va_end(args);
  put_text(out, first.text);
  return first.length == second.length && strcmp(first.text, second.text) == 0;
}

// Sums that take turns between integer and floating arguments, past the six and eight register arguments.
static double sum_pairs(int count, ...) {
  va_list args;
  double total = 0;
  va_start(args, count);
  for (int i = 0; i < count; i++) {
    int weight = va_arg(args, int);
    total += weight * va_arg(args, double);
  }
  va_end(args);
  return total;
}

// The list travels by pointer through a recursion; each level takes one argument.
static int64_t take_recursively(va_list *args, int left) {
  if (left == 0)
    return 0;
  int64_t mine = va_arg(*args, int64_t);
  int64_t rest = take_recursively(args, left - 1);
  return mine * left - rest;
}

static int64_t alternate(int count, ...) {
  va_list args;
  va_start(args, count);
  int64_t result = take_recursively(&args, count);
  va_end(args);
  return result;
}

static void through_libc(struct sink *out, const char *pattern, ...) {
  char text[64];
  va_list args;
  va_start(args, pattern);
  vsnprintf(text, sizeof text, pattern, args);
  va_end(args);
  put_text(out, text);
}

int main(int argc, char **argv) {
  int rounds = 5 * read_scale(argc, argv);
  void (*call_format)(struct sink *, const char *, ...) = format;
  uint32_t hash = 2166136261u, equal = 0;

  for (int round = 0; round < rounds; round++) {
    struct sink out = {.length = 0};
    struct point p = {round, -round * 3};
    struct span r = {round * 0.125, round + 0.5, "mm"};
    call_format(&out, "%d %l %x %s%c ", -round, (int64_t)round << 35, (uint64_t)round * 0x123456789u, "text", '!');
    equal += format_twice(&out, "%f %L %p %r %% %d %p ", round * 0.1, round * 1.0L / 7, p, r, round, p);
    double pairs = sum_pairs(8, 1, 1.5, 2, 0.25, round, 3.0, 4, -1.0, 5, 0.5, 6, round * 0.5, 7, 2.0, 8, 0.125);
    int64_t turns = alternate(6, INT64_C(1), INT64_C(2), (int64_t)round, INT64_C(4), INT64_C(5), INT64_C(6));
    through_libc(&out, "%.2f %lld %5d|%-4s|", pairs, (long long)turns, round, "ab");
    for (size_t i = 0; i < out.length; i++)
      hash = (hash ^ (unsigned char)out.text[i]) * 16777619u;
    if (round < 4)
      puts(out.text);
  }
  printf("%d rounds, %u equal copies, hash %08x\n", rounds, equal, hash);
  return equal == (uint32_t)rounds ? 0 : 1;
}
