#include <stdio.h>

static double fib(double n) { return n < 2 ? n : fib(n - 2) + fib(n - 1); }

int main(void) { printf("%g\n", fib(40)); }
