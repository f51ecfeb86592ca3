// Check that a direct-threaded interpreter (computed goto) can be replaced in the middle of its program.
//
// The interpreter is one large frame that is live for the whole run: its table of label addresses must not be live
// data of one version of the code. Instructions call out to helpers, so there are sites in many handlers.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// A register machine. Jumps and calls are relative to their own instruction.
enum op { Load, Move, Add, Sub, Mul, Less, JumpIf, Jump, Store, Fetch, Call, Return, Native, Halt };

struct instruction {
  uint8_t op, a, b;
  int16_t c;
};

enum { register_count = 8, call_depth = 64, memory_size = 1024 };

struct machine {
  int64_t memory[memory_size];
  int64_t saved[call_depth][register_count];
  const struct instruction *return_to[call_depth];
  unsigned natives;
};

static int64_t gcd(int64_t a, int64_t b) { return b == 0 ? a : gcd(b, a % b); }
static int64_t digit_sum(int64_t value) { return value < 10 ? value : value % 10 + digit_sum(value / 10); }
static int64_t digit_sums(int64_t a, int64_t b) { return digit_sum(a) + digit_sum(b); }
static int64_t mix(int64_t a, int64_t b) { return (int64_t)(((uint64_t)a * 31 + (uint64_t)b) & 0xffffffffu); }

static int64_t (*const natives[])(int64_t, int64_t) = {gcd, digit_sums, mix};

static int64_t call_native(struct machine *m, int index, int64_t a, int64_t b) {
  m->natives++;
  return natives[index](a, b);
}

static int push_frame(struct machine *m, int depth, const int64_t *registers, const struct instruction *back) {
  if (depth == call_depth)
    abort();
  memcpy(m->saved[depth], registers, sizeof m->saved[depth]);
  m->return_to[depth] = back;
  return depth + 1;
}

// Restores all registers but r0, which carries the result.
static const struct instruction *pop_frame(struct machine *m, int depth, int64_t *registers) {
  memcpy(registers + 1, &m->saved[depth][1], (register_count - 1) * sizeof registers[0]);
  return m->return_to[depth];
}

static int64_t *cell(struct machine *m, int64_t address) { return &m->memory[address & (memory_size - 1)]; }

static int64_t run(struct machine *m, const struct instruction *program, int64_t argument) {
  static const void *const labels[] = {&&load,  &&move,  &&add,  &&sub,       &&mul,    &&less, &&jump_if, &&jump,
                                       &&store, &&fetch, &&call, &&return_to, &&native, &&halt};
  int64_t r[register_count] = {0, argument};
  const struct instruction *pc = program;
  int depth = 0;

#define DISPATCH(next)                                                                                                 \
  do {                                                                                                                 \
    pc = (next);                                                                                                       \
    goto *labels[pc->op];                                                                                              \
  } while (0)

  DISPATCH(program);
load:
  r[pc->a] = pc->c;
  DISPATCH(pc + 1);
move:
  r[pc->a] = r[pc->b];
  DISPATCH(pc + 1);
add:
  r[pc->a] = r[pc->b] + r[pc->c];
  DISPATCH(pc + 1);
sub:
  r[pc->a] = r[pc->b] - r[pc->c];
  DISPATCH(pc + 1);
mul:
  r[pc->a] = r[pc->b] * r[pc->c];
  DISPATCH(pc + 1);
less:
  r[pc->a] = r[pc->b] < r[pc->c];
  DISPATCH(pc + 1);
jump_if:
  DISPATCH(r[pc->a] ? pc + pc->c : pc + 1);
jump:
  DISPATCH(pc + pc->c);
store:
  *cell(m, r[pc->b] + pc->c) = r[pc->a];
  DISPATCH(pc + 1);
fetch:
  r[pc->a] = *cell(m, r[pc->b] + pc->c);
  DISPATCH(pc + 1);
call:
  depth = push_frame(m, depth, r, pc + 1);
  DISPATCH(pc + pc->c);
return_to:
  DISPATCH(pop_frame(m, --depth, r));
native:
  r[0] = call_native(m, pc->c, r[pc->a], r[pc->b]);
  DISPATCH(pc + 1);
halt:
  return r[pc->a];
#undef DISPATCH
}

// Counts the primes below r1, marking composites in memory.
static const struct instruction sieve[] = {
    {Load, 2, 0, 2}, // the candidate
    {Load, 3, 0, 1},
    {Load, 4, 0, 0},    // primes so far
    {Less, 5, 2, 1},    // 3: next candidate
    {JumpIf, 5, 0, 2},
    {Halt, 4, 0, 0},
    {Fetch, 6, 2, 0},
    {JumpIf, 6, 0, 7},  // marked: not a prime
    {Add, 4, 4, 3},
    {Mul, 7, 2, 2},
    {Less, 5, 7, 1},
    {JumpIf, 5, 0, 2},
    {Jump, 0, 0, 2},
    {Call, 0, 0, 4},
    {Add, 2, 2, 3},     // 14
    {Jump, 0, 0, -12},
    {Halt, 4, 0, 0},
    {Store, 3, 7, 0},   // 17: mark from r7 in steps of r2
    {Add, 7, 7, 2},
    {Less, 5, 7, 1},
    {JumpIf, 5, 0, -3},
    {Return, 0, 0, 0},
};

// The Fibonacci number r1 by recursion.
static const struct instruction fibonacci[] = {
    {Load, 3, 0, 1},  {Call, 0, 0, 2},  {Halt, 0, 0, 0},
    {Load, 4, 0, 2},    // 3: the function, argument r1, result r0
    {Less, 5, 1, 4},
    {JumpIf, 5, 0, 8},
    {Sub, 1, 1, 3},   {Call, 0, 0, -4}, {Move, 6, 0, 0},
    {Sub, 1, 1, 3},   {Call, 0, 0, -7}, {Add, 0, 0, 6},  {Return, 0, 0, 0},
    {Move, 0, 1, 0},    // 13
    {Return, 0, 0, 0},
};

// Mixes gcd(k, 360) and digit sums for k from r1 down to 1.
static const struct instruction digits[] = {
    {Load, 2, 0, 360},  {Load, 3, 0, 1},   {Load, 4, 0, 0},
    {Native, 1, 2, 0},    // 3: gcd
    {Move, 5, 0, 0},    {Native, 4, 5, 2}, {Move, 4, 0, 0}, {Native, 4, 1, 1},
    {Native, 4, 0, 2},  {Move, 4, 0, 0},   {Sub, 1, 1, 3},  {JumpIf, 1, 0, -8}, {Halt, 4, 0, 0},
};

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 1 + scale * scale * 5;
  static struct machine m;
  uint64_t checksum = 0;

  for (int round = 0; round < rounds; round++) {
    memset(m.memory, 0, sizeof m.memory);
    int64_t primes = run(&m, sieve, 300 + round % 8 * 100);
    int64_t fib = run(&m, fibonacci, 8 + round % 5);
    int64_t mixed = run(&m, digits, 20 + round % 30);
    if (round < 4)
      printf("primes %lld, fib %lld, mixed %lld\n", (long long)primes, (long long)fib, (long long)mixed);
    checksum = checksum * 31 + (uint64_t)(primes + fib + mixed);
  }
  printf("%d rounds, %u native calls, checksum %016llx\n", rounds, m.natives, (unsigned long long)checksum);
  return 0;
}
