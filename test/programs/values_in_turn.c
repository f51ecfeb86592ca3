// Loops whose values change places at once, around calls: what one had is what another gets.
#include <stdio.h>
#include <stdlib.h>

static unsigned long calls;

__attribute__((noinline)) static void note(unsigned long value) { calls = calls * 3 + value; }
__attribute__((noinline)) static unsigned long twice(unsigned long value) { return 2 * value; }

__attribute__((noinline)) static unsigned long gcd(unsigned long a, unsigned long b) {
  while (b != 0) {
    unsigned long rest = a % b;
    note(1);
    a = b;
    b = rest;
  }
  return a;
}

__attribute__((noinline)) static unsigned long fibonacci(unsigned n) {
  unsigned long a = 0, b = 1;
  for (unsigned i = 0; i < n; ++i) {
    unsigned long sum = a + b;
    note(i);
    a = b;
    b = sum;
  }
  return a;
}

__attribute__((noinline)) static unsigned long turn(unsigned rounds, unsigned long a, unsigned long b, unsigned long c) {
  for (unsigned i = 0; i < rounds; ++i) {
    unsigned long first = a;
    note(b);
    a = b;
    b = c;
    c = first ^ twice(i);
  }
  return a * 100 + b * 10 + c;
}

__attribute__((noinline)) static double mean(double a, double b, unsigned rounds) {
  for (unsigned i = 0; i < rounds; ++i) {
    double next = (a + b) / 2;
    note((unsigned long)next);
    a = b;
    b = next;
  }
  return a - b;
}

int main(int argc, char **argv) {
  unsigned scale = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
  unsigned long sum = 0;
  for (unsigned i = 1; i <= 40 * scale; ++i) {
    sum = sum * 31 + gcd(i * 1001, i * i * 7 + 91) + fibonacci(i % 90) + turn(i % 17, i, 2 * i, 3 * i);
    sum += (unsigned long)(long)(1e6 * mean(i, 2 * i, i % 30));
  }
  printf("%lu %lu\n", sum, calls);
  return 0;
}
