// Check that every frame of a program with vectors of odd sizes, wide integers and vectorised recurrences can be replaced.
// cflags: -fno-math-errno -ffp-contract=off

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

typedef float float3 __attribute__((ext_vector_type(3)));
typedef int int3 __attribute__((ext_vector_type(3)));
typedef short short5 __attribute__((ext_vector_type(5)));
typedef char char7 __attribute__((ext_vector_type(7)));
typedef double double6 __attribute__((ext_vector_type(6)));
typedef _Bool bool9 __attribute__((ext_vector_type(9)));
typedef unsigned _BitInt(200) wide200;
typedef _BitInt(93) wide93;
typedef unsigned _BitInt(256) wide256;

static unsigned long calls;
static float3 spare = {0.5f, 0.25f, 2};

__attribute__((noinline)) static float3 turn(float3 v, int k) {
  calls += (unsigned long)k;
  return v.zxy * 0.5f + (float)k;
}
__attribute__((noinline)) static int3 mix(int3 a, int3 b) {
  calls++;
  return a * 3 + b.yzx;
}
__attribute__((noinline)) static long step(long x) { return (long)(calls = calls * 5 + (unsigned long)x); }
__attribute__((noinline)) static double next(double x) {
  calls += 2;
  return x * 1.25 + 0.3;
}

__attribute__((noinline)) static double vectors(int n) {
  float3 a = {1, 2, 3}, b = {4, 5, 6};
  int3 c = {1, 2, 3}, d = {7, 8, 9};
  short5 s = {1, 2, 3, 4, 5};
  char7 t = {1, 1, 2, 3, 5, 8, 13};
  double6 w = {1, 2, 3, 4, 5, 6};
  bool9 flags = {1, 0, 1, 0, 0, 1, 1, 0, 1};
  double sum = 0;
  for (int i = 0; i < n; i++) {
    a = turn(a, i & 3);
    b = turn(b, i & 1) + a * spare;
    c = mix(c, d);
    d = mix(d, c) & 0xffff;
    s = s + (short)step(i);
    t ^= (char)i;
    w = w * 0.5 + (double)(step(c.x) & 7);
    flags = flags ^ (bool9)(i & 1);
    sum = sum * 0.75 + a.x + b.z + c.y + d.x + s[4] + t[6] + w[5] + flags[8] + flags[i % 9];
  }
  return sum + a.y + b.y + c.z + d.z + s[0] + t[2] + w[0];
}

__attribute__((noinline)) static unsigned wide(int n) {
  wide200 a = 1;
  wide93 b = -5;
  wide256 c = 3;
  for (int i = 0; i < n; i++) {
    a = a * 31 + (wide200)(unsigned long)step(i);
    b = b * 7 - (wide93)i;
    c = (c << 9 | c >> 247) + (wide256)a;
    step((long)(b & 0xff));
    a ^= (wide200)(c >> 40);
  }
  return (unsigned)a ^ (unsigned)(a >> 170) ^ (unsigned)b ^ (unsigned)(b >> 60) ^ (unsigned)c ^ (unsigned)(c >> 224);
}

// Results that the library stores: their room is in the frame.
__attribute__((noinline)) static double parts(int n) {
  double sum = 0, x = 1;
  for (int i = 0; i < n; i++) {
    double whole, rest = modf(next(x), &whole);
    int exponent;
    double fraction = frexp(next(whole), &exponent);
    double angle = next(rest), sine = sin(angle), cosine = cos(angle);
    float small, left = modff((float)next(fraction), &small);
    sum = sum * 0.5 + rest + whole + fraction + exponent + (sine + cosine > 0) + (double)(left + small);
    x = next(fmod(sum, 17));
  }
  return sum;
}

// The vectoriser carries the last element of a round in a vector of which the rest is undefined at first.
__attribute__((noinline)) static void smooth(const unsigned char *in, unsigned char *out, int rows, int columns) {
  for (int row = 0; row < rows; row++, in += columns, out += columns) {
    int last = in[0];
    for (int i = 0; i < columns; i++) {
      int now = in[i] * 3;
      out[i] = (unsigned char)((now + last + 2) >> 2);
      last = now;
    }
  }
}
__attribute__((noinline)) static double differences(const double *in, double *out, int n) {
  double before = in[0], sum = 0;
  for (int i = 0; i < n; i++) {
    out[i] = in[i] - before;
    before = in[i];
  }
  for (int i = 0; i < n; i += 9)
    sum += next(out[i]);
  return sum;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  printf("%a\n", vectors(12 * scale));
  printf("%u\n", wide(9 * scale));
  printf("%.9g\n", parts(8 * scale));
  static unsigned char in[64 * 64], out[64 * 64];
  static double reals[90], changes[90];
  unsigned sum = 0;
  double total = 0;
  for (int i = 0; i < 64 * 64; i++)
    in[i] = (unsigned char)(i * 37);
  for (int i = 0; i < 90; i++)
    reals[i] = (i * i) % 23 * 0.5;
  for (int n = 0; n < scale; n++) {
    smooth(in, out, 64, 64);
    total += differences(reals, changes, 90);
    in[n % 4096] ^= out[n % 64];
  }
  for (int i = 0; i < 64 * 64; i++)
    sum = sum * 31 + out[i];
  printf("%u %a %lu\n", sum, total, calls);
  return 0;
}
