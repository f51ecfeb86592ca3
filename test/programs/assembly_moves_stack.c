// Check that functions whose assembly moves the stack pointer for a while can be stopped there: by what a stack is walked with
// they cannot be described in between, not even as aligned. What they have called is replaced before and behind that.
// cflags: -mno-red-zone
#include <stdio.h>
#include <stdlib.h>

static unsigned long clock_value;

__attribute__((noinline)) static unsigned long tick(unsigned long x) {
  clock_value = clock_value * 6364136223846793005u + x;
  return clock_value >> 33;
}

/* Words that are no addresses lie where a return PC would be looked for. */
__attribute__((noinline)) static unsigned long pushes(unsigned long x) {
  unsigned long before = tick(x), back;
  __asm__ volatile("pushq %1\n\tpushq %1\n\tpushq %1\n\tmovl $1000, %%ecx\n1:\tdecl %%ecx\n\tjnz 1b\n\t"
                   "popq %0\n\tpopq %0\n\tpopq %0"
                   : "=&r"(back)
                   : "r"(before)
                   : "rcx", "memory", "cc");
  return back + tick(before);
}

/* Half a word: nothing is aligned any more. */
__attribute__((noinline)) static unsigned pieces(unsigned x) {
  unsigned before = (unsigned)tick(x), back;
  __asm__ volatile("subq $4, %%rsp\n\tmovl %1, (%%rsp)\n\tmovl $1000, %%ecx\n1:\tdecl %%ecx\n\tjnz 1b\n\t"
                   "movl (%%rsp), %0\n\taddq $4, %%rsp"
                   : "=&r"(back)
                   : "r"(before)
                   : "rcx", "memory", "cc");
  return back ^ (unsigned)tick(before);
}

/* Where am I: a call of the next instruction. */
__attribute__((noinline)) static unsigned long asks_where(unsigned long x) {
  unsigned long before = tick(x), place, again;
  for (int i = 0; i < 2; i++)
    __asm__ volatile("call 1f\n1:\tmovl $1000, %%ecx\n2:\tdecl %%ecx\n\tjnz 2b\n\tpopq %0" : "=&r"(place) : : "rcx", "memory", "cc");
  again = tick(before);
  return place ? again + before : 0;
}

int main(int argc, char **argv) {
  int rounds = 8000 * (argc > 1 ? atoi(argv[1]) : 1);
  unsigned long sum = 0;
  for (int i = 0; i < rounds; i++) {
    sum = sum * 31 + pushes(i);
    sum ^= pieces((unsigned)i) + asks_where(sum);
  }
  printf("%lu %lu\n", sum, clock_value);
  return 0;
}
