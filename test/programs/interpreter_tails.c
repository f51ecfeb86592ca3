// Check that a direct-threaded interpreter whose instructions share tails, with calls in them, can be replaced anywhere.
//
// The shared tails end in jumps of their own, so code that calls may be copied to several places. Instructions without a
// call go round without one, and the program runs itself again from within an instruction.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum op { Add, Xor, Join, Halve, Grow, Loop, Nop, Call, Halt };

struct instruction {
  int op, x;
};

__attribute__((noinline)) static uint64_t mix(uint64_t a, uint64_t b) { return a * 31 + (b ^ (a >> 7)); }
__attribute__((noinline)) static double half(double d) { return d * 0.5 + 1; }

static uint64_t run(const struct instruction *begin, int rounds, int depth) {
  static const void *const labels[] = {&&add, &&xor, &&join, &&halve, &&grow, &&loop, &&nop, &&call, &&halt};
  const struct instruction *pc = begin;
  uint64_t sum = 1, other = 2, added = 3, joined = 4, halved = 5, grown = 6, ends = 7;
  double real = 1;

#define DISPATCH() goto *labels[pc->op]
  DISPATCH();
add:
  sum += (uint64_t)pc->x;
  goto mixed;
xor:
  sum ^= (uint64_t)pc->x << 3;
  added += sum;
  goto mixed;
join:
  other += sum;
  joined ^= other;
  goto mixed;
mixed:
  sum = mix(sum, other);
  pc++;
  DISPATCH();
halve:
  real = half(real);
  halved += (uint64_t)real;
  goto smaller;
grow:
  real += pc->x;
  grown += halved;
  goto smaller;
smaller:
  real = half(real);
  ends += mix(grown, halved);
  pc++;
  DISPATCH();
loop:
  if (--rounds > 0) {
    pc = begin;
    added += ends;
    DISPATCH();
  }
  pc++;
  DISPATCH();
nop:
  pc++;
  DISPATCH();
call:
  if (depth < pc->x)
    sum += run(begin, 3, depth + 1);
  pc++;
  DISPATCH();
halt:
  return sum + other + (uint64_t)real + added + joined * 3 + halved * 5 + grown * 7 + ends * 11;
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  const struct instruction code[] = {{Add, 5},  {Xor, 7}, {Nop, 0}, {Join, 1}, {Halve, 0}, {Call, 2},
                                     {Grow, 3}, {Nop, 1}, {Add, 9}, {Loop, 0}, {Halt, 0}};
  for (int i = 1; i <= 5; i++)
    printf("%016llx\n", (unsigned long long)run(code, scale * 10 * i, 0));
  return 0;
}
