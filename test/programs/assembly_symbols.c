// Check that assembly may have symbols of the program as operands: called, loaded from, stored as data, with an offset; and
// that sections which it fills beside the code, as probes for tracers do, come in any number of versions; and that it may use
// macros that were defined outside of functions, and functions those that assembly outside defines for its object alone.
// cflags: -mno-red-zone
#include <stdio.h>
#include <stdlib.h>

unsigned long turned(unsigned long);
extern const unsigned char turns[4];
__asm__("\t.text\n\t.p2align 4\n\t.type turned, @function\nturned:\n\tmovq %rdi, %rax\n\trolq $7, %rax\n\tret\n\t.size "
        "turned, .-turned\n"
        "\t.section .rodata\nturns:\n\t.byte 5, 9, 2, 7\n\t.text");

static unsigned long clock_value;
static const unsigned char table[] = {3, 1, 4, 1, 5, 9, 2, 6};
static struct {
  long first, second;
} pair = {20, 22};

__attribute__((noinline)) static unsigned long tick(unsigned long x) {
  clock_value = clock_value * 6364136223846793005u + x;
  return clock_value >> 33;
}

__attribute__((noinline, used)) static unsigned long helper(unsigned long x) {
  unsigned long sum = tick(x);
  for (int i = 0; i < 3; i++)
    sum += tick(sum);
  return sum;
}

/* On a stack pointer that is aligned for it. */
__attribute__((noinline)) static unsigned long calls(unsigned long x) {
  unsigned long result, before = tick(x);
  __asm__ volatile("movq %%rsp, %%rbx\n\tandq $-16, %%rsp\n\tcall %P2\n\tmovq %%rbx, %%rsp"
                   : "=a"(result), "+D"(x)
                   : "i"(helper)
                   : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
  return result ^ before ^ tick(result);
}

__attribute__((noinline)) static unsigned long loads(unsigned long x) {
  const unsigned char *place;
  long second;
  __asm__("leaq %c1(%%rip), %0" : "=r"(place) : "i"(table + 2));
  __asm__("movq %c1(%%rip), %0" : "=r"(second) : "i"(&pair.second), "m"(pair));
  return place[x % 6] + (unsigned long)second + tick(x);
}

/* Tables beside the code, as kernels and tracers keep them: where, and about what. */
#define NOTE(what)                                                                                                     \
  __asm__ volatile("771:\tnop\n\t.pushsection .note.places, \"?\", \"note\"\n\t.balign 8\n\t.quad 771b, %c0\n\t.popsection" : : "i"(what))

static inline __attribute__((always_inline)) unsigned long noted(unsigned long x) {
  NOTE(&pair);
  unsigned long result = tick(x);
  NOTE(helper);
  return result + tick(result);
}

__attribute__((noinline)) static unsigned long notes(unsigned long x) { return noted(x) ^ noted(x + 1); }

/* "n" beside a symbol, numbers of two digits, a dollar sign, and an operand that is none. */
__attribute__((noinline)) static unsigned long counts(unsigned long x) {
  unsigned long a = x, b = 1, c = 2, d = 3;
  __asm__("addq $7, %0\n\taddq %5, %1\n\tleaq %c4(%%rip), %2\n\tmovzbl (%2), %k2\n\taddq %6, %3"
          : "+&r"(a), "+&r"(b), "=&r"(c), "+&r"(d)
          : "i"(table), "n"(40), "r"(x), "i"(5));
  return a * b + c * d + tick(x);
}

/* What the assembler was told outside of functions. */
__asm__(".macro add_three place\n\taddq $3, \\place\n.endm\n"
        ".macro add_six place\n\tadd_three \\place\n\tadd_three \\place\n.endm\n"
        ".set seventeen, 17\n");

static inline __attribute__((always_inline)) unsigned long expanded(unsigned long x) {
  __asm__("add_six %0\n\taddq $seventeen, %0" : "+r"(x) : : "cc");
  return x;
}

__attribute__((noinline)) static unsigned long expands(unsigned long x) {
  unsigned long y = tick(x);
  return expanded(y) * expanded(tick(y)) + expanded(x);
}

__attribute__((noinline)) static unsigned long defined(unsigned long x) {
  return turned(x + turns[x % sizeof turns]) ^ tick(x);
}

int main(int argc, char **argv) {
  int rounds = 300 * (argc > 1 ? atoi(argv[1]) : 1);
  unsigned long sum = 0;
  for (int i = 0; i < rounds; i++)
    sum = sum * 31 + calls(i) + loads(sum) + notes(i) + counts(i) + expands(i) + defined(i);
  printf("%lu %lu\n", sum, clock_value);
  return 0;
}
