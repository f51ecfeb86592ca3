// Does little but call.
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static unsigned long fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int main(int argc, char **argv) {
  printf("%lu\n", fib(argc > 1 ? (unsigned)atoi(argv[1]) : 32));
  return 0;
}
