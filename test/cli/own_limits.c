// Limits its own memory to less than the runtime has reserved, and then runs code that is worth compiling.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

__attribute__((noinline)) static unsigned long mix(unsigned long x) {
  unsigned long sum = x;
  for (int i = 0; i < 50; i++)
    sum = sum * 31 + (sum >> 7);
  return sum;
}

__attribute__((noinline)) static unsigned long both(unsigned long x) { return mix(x) ^ mix(x + 1); }

/* Called first when nothing can be mapped any more. */
__attribute__((noinline)) static unsigned long late(unsigned long x) { return both(x) + 1; }

int main(int argc, char **argv) {
  int which = strcmp(argv[1], "space") == 0 ? RLIMIT_AS : RLIMIT_DATA;
  struct rlimit limit = {256ul << 20, 256ul << 20}, seen;
  printf("%d", setrlimit(which, &limit));
  getrlimit(which, &seen);
  printf(" %lu %lu\n", (unsigned long)seen.rlim_cur, (unsigned long)seen.rlim_max);
  unsigned long sum = 0;
  for (int i = 0; i < 200000; i++)
    sum += both(i);
  for (int i = 0; i < 200000; i++)
    sum += late(i);
  void *more = mmap(NULL, 512ul << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("%lu %d\n", sum, more == MAP_FAILED);
  return 0;
}
