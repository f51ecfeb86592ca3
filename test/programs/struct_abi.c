// Check that structs, unions and bit-fields passed and returned in every way of the ABI survive replaced frames.
//
// Results in rax:rdx, xmm0:xmm1, one of each, in memory behind a hidden pointer (sret), and in x87 registers;
// arguments in registers and by value on the stack. All of them cross recursive calls.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

struct two_longs { int64_t a, b; };           // rax, rdx
struct long_double_pair { int64_t a; double b; }; // rax, xmm0
struct double_long_pair { double a; int64_t b; }; // xmm0, rax
struct two_doubles { double a, b; };          // xmm0, xmm1
struct float_pair { float a, b; };            // both in xmm0
struct float_triple { float a, b, c; };       // xmm0, xmm1
struct small_bytes { char bytes[3]; };        // eax, with garbage above
struct mixed { int16_t a; float b; int8_t c; double d; };
struct large { int64_t word[9]; };            // sret, by value on the stack
struct extended { long double value; };       // st(0)
struct empty_tail { int a; struct { char c; } tail; };
union number { int64_t i; double d; unsigned char byte[8]; };
struct tagged { unsigned kind : 2; int offset : 11; unsigned flag : 1; uint64_t rest : 40; };

static struct two_longs divide(int64_t a, int64_t b) { return (struct two_longs){a / b, a % b}; }

static struct long_double_pair average(int depth, int64_t sum) {
  if (depth == 0)
    return (struct long_double_pair){sum, 0.5};
  struct long_double_pair below = average(depth - 1, sum + depth);
  return (struct long_double_pair){below.a + depth, below.b * 0.5 + depth};
}

static struct double_long_pair weigh(struct long_double_pair p) { return (struct double_long_pair){p.b + 1, p.a - 1}; }

static struct two_doubles rotate(struct two_doubles v, int times) {
  if (times == 0)
    return v;
  struct two_doubles once = rotate((struct two_doubles){v.a * 0.75 - v.b * 0.5, v.a * 0.5 + v.b * 0.75}, times - 1);
  return (struct two_doubles){once.a + v.a * 0.125, once.b - v.b * 0.125};
}

static struct float_pair swap_floats(struct float_pair p) { return (struct float_pair){p.b, p.a}; }

static struct float_triple cross(struct float_triple x, struct float_triple y) {
  return (struct float_triple){x.b * y.c - x.c * y.b, x.c * y.a - x.a * y.c, x.a * y.b - x.b * y.a};
}

static struct small_bytes next_bytes(struct small_bytes s) {
  struct small_bytes n = {{(char)(s.bytes[1] + 1), (char)(s.bytes[2] ^ 5), (char)(s.bytes[0] + s.bytes[1])}};
  return n;
}

static struct mixed blend(struct mixed m, struct mixed n) {
  return (struct mixed){(int16_t)(m.a + n.c), m.b + n.b * 0.5f, (int8_t)(m.c ^ n.a), m.d - n.d};
}

static struct large shuffle(struct large in, int depth) {
  struct large out;
  for (int i = 0; i < 9; i++)
    out.word[i] = in.word[(i * 4 + depth) % 9] + i;
  if (depth > 0) {
    struct large below = shuffle(out, depth - 1);
    out.word[depth % 9] ^= below.word[0] & 0xffff;
  }
  return out;
}

// Many by-value structs at once: registers run out in the middle, the rest goes to the stack.
static int64_t many_structs(struct two_longs a, struct two_doubles b, struct large c, struct two_longs d,
                            struct long_double_pair e, struct two_longs f, struct small_bytes g, struct two_longs h) {
  return a.a + a.b * 2 + (int64_t)(b.a * 3 + b.b * 4) + c.word[0] + c.word[8] + d.a * 5 + d.b * 6 + e.a * 7 +
         (int64_t)(e.b * 8) + f.a * 9 + f.b * 10 + g.bytes[2] * 11 + h.a * 12 + h.b * 13;
}

static struct extended halve(struct extended x, int times) {
  return times == 0 ? x : (struct extended){halve((struct extended){x.value / 2 + 1}, times - 1).value + x.value};
}

static struct empty_tail with_tail(int a, char c) { return (struct empty_tail){a, {c}}; }

static union number as_number(double d) { return (union number){.d = d}; }

static struct tagged make_tagged(int n) {
  return (struct tagged){(unsigned)n & 3, n % 1000 - 500, n % 5 == 0, (uint64_t)n << 20};
}

static struct tagged merge_tagged(struct tagged a, struct tagged b) {
  a.kind += b.kind;
  a.offset = (a.offset + b.offset) / 2;
  a.flag ^= b.flag;
  a.rest += b.rest + a.kind;
  return a;
}

int main(int argc, char **argv) {
  int rounds = 50 * read_scale(argc, argv);
  struct large big = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
  struct two_doubles point = {1, 0};
  struct float_pair floats = {0.5f, 3};
  struct float_triple axis = {1, 0.5f, -2};
  struct small_bytes bytes = {{1, 2, 3}};
  struct mixed state = {3, 1.5f, 7, 100};
  struct tagged tag = make_tagged(1);
  struct double_long_pair weight = {0, 0};
  struct extended ext = {1};
  int64_t checksum = 0;

  for (int round = 0; round < rounds; round++) {
    struct two_longs quotient = divide(round * 1000003LL, 17 + round % 5);
    struct long_double_pair mean = average(round % 6, round);
    weight = weigh(mean);
    point = rotate((struct two_doubles){point.b * 0.25 + 1, point.a * 0.25}, round % 4);
    floats = swap_floats((struct float_pair){floats.a + 0.25f, floats.b * 0.5f});
    axis = cross(axis, (struct float_triple){0.5f, floats.b, 1});
    axis = (struct float_triple){axis.a * 0.25f, axis.b * 0.25f, 1 + axis.c * 0.125f};
    bytes = next_bytes(bytes);
    state = blend(state, (struct mixed){(int16_t)round, 0.25f, (int8_t)(round & 15), weight.a});
    state.b *= 0.5f;
    big = shuffle(big, round % 5);
    ext = halve((struct extended){round}, round % 7);
    tag = merge_tagged(tag, make_tagged(round));
    union number bits = as_number(1.0 + round);
    struct empty_tail tail = with_tail(round, (char)(round & 63));
    int64_t all = many_structs(quotient, point, big, quotient, mean, divide(round, 3), bytes, quotient);
    checksum = checksum % 1000000007 * 31 + all % 1000000 + bits.byte[6] + bits.byte[7] + tail.a + tail.tail.c +
               (int64_t)(ext.value * 8) % 1009;
  }
  printf("%d rounds, checksum %lld\n", rounds, (long long)checksum);
  printf("point %.6f %.6f floats %.4f %.4f\n", point.a, point.b, floats.a, floats.b);
  printf("axis %.5f %.5f %.5f\n", axis.a, axis.b, axis.c);
  printf("bytes %d %d %d\n", bytes.bytes[0], bytes.bytes[1], bytes.bytes[2]);
  printf("mixed %d %.5f %d %.4f\n", state.a, state.b, state.c, state.d);
  printf("weight %.6f %lld extended %.6Lf\n", weight.a, (long long)weight.b, ext.value);
  printf("tag %u %d %u %llu\n", tag.kind, tag.offset, tag.flag, (unsigned long long)tag.rest);
  for (int i = 0; i < 9; i++)
    printf("%lld ", (long long)(big.word[i] & 0xffffff));
  printf("\n");
  return 0;
}
