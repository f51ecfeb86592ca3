// Check that calls through function pointers, dispatch tables and method tables reach the right version of a function.
//
// Function addresses are stored, compared, returned and passed on; they must stay equal and callable while the code
// behind them changes. All the calls that matter are indirect.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

typedef uint32_t (*binary_op)(uint32_t, uint32_t);

static uint32_t op_add(uint32_t a, uint32_t b) { return a + b; }
static uint32_t op_sub(uint32_t a, uint32_t b) { return a - b; }
static uint32_t op_mul(uint32_t a, uint32_t b) { return a * b + 1; }
static uint32_t op_xor(uint32_t a, uint32_t b) { return a ^ b << 3; }
static uint32_t op_rotate(uint32_t a, uint32_t b) { return a << (b & 31) | a >> (-b & 31); }
static uint32_t op_min(uint32_t a, uint32_t b) { return a < b ? a : b; }

static const struct {
  const char *name;
  binary_op call;
} operations[] = {
    {"add", op_add}, {"sub", op_sub}, {"mul", op_mul}, {"xor", op_xor}, {"rotate", op_rotate}, {"min", op_min},
};
enum { operation_count = sizeof operations / sizeof operations[0] };

static const char *name_of(binary_op op) {
  for (int i = 0; i < operation_count; i++)
    if (operations[i].call == op)
      return operations[i].name;
  return "unknown";
}

// A method table per class, with inheritance by copying the parent's table.
struct shape;
struct methods {
  double (*area)(const struct shape *);
  double (*outline)(const struct shape *);
  void (*grow)(struct shape *, double);
  const struct methods *parent;
};
struct shape {
  const struct methods *type;
  double a, b;
};

static double rectangle_area(const struct shape *s) { return s->a * s->b; }
static double rectangle_outline(const struct shape *s) { return 2 * (s->a + s->b); }
static void rectangle_grow(struct shape *s, double by) { s->a += by, s->b += by; }
static double disc_area(const struct shape *s) { return 3.25 * s->a * s->a; }
static double disc_outline(const struct shape *s) { return 6.5 * s->a; }
static void disc_grow(struct shape *s, double by) { s->a += by / 2; }

static const struct methods rectangle_type = {rectangle_area, rectangle_outline, rectangle_grow, NULL};
static const struct methods disc_type = {disc_area, disc_outline, disc_grow, NULL};

// A ring is a disc with a hole: it calls its parent's methods through the parent's table.
static double ring_area(const struct shape *s) {
  struct shape hole = {s->type->parent, s->b, 0};
  return s->type->parent->area(s) - hole.type->area(&hole);
}
static double ring_outline(const struct shape *s) {
  struct shape hole = {s->type->parent, s->b, 0};
  double outer = s->type->parent->outline(s);
  return outer + hole.type->outline(&hole);
}
static const struct methods ring_type = {ring_area, ring_outline, disc_grow, &disc_type};

// Functions that return functions, and a function applied n times.
static binary_op choose(uint32_t state) { return operations[state >> 7 & 3 ? state % operation_count : 0].call; }

static uint32_t fold(binary_op op, const uint32_t *values, int count, uint32_t start) {
  uint32_t result = start;
  for (int i = 0; i < count; i++)
    result = op(result, values[i]);
  return result;
}

typedef uint32_t (*state_function)(uint32_t input, void *next_state);

// A state machine whose states are functions that store the next state through a pointer.
static uint32_t state_idle(uint32_t input, void *next_state);
static uint32_t state_busy(uint32_t input, void *next_state);
static uint32_t state_error(uint32_t input, void *next_state);

static uint32_t go_to(void *next_state, state_function state, uint32_t output) {
  *(state_function *)next_state = state;
  return output;
}
static uint32_t state_idle(uint32_t input, void *next) {
  return input & 1 ? go_to(next, state_busy, 1) : go_to(next, state_idle, input >> 4);
}
static uint32_t state_busy(uint32_t input, void *next) {
  return input % 5 == 0 ? go_to(next, state_error, 7) : go_to(next, input & 2 ? state_idle : state_busy, input & 15);
}
static uint32_t state_error(uint32_t input, void *next) {
  return input & 8 ? go_to(next, state_idle, 3) : go_to(next, state_error, 2);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 100 + 12 * scale * scale * scale;
  uint32_t state = 12345, hash = 0, visits[3] = {0};
  unsigned used[operation_count] = {0};
  uint32_t values[16];
  struct shape shapes[3] = {{&rectangle_type, 1, 2}, {&disc_type, 1.5, 0}, {&ring_type, 4, 1}};
  state_function machine = state_idle;
  double total = 0;

  for (int i = 0; i < 16; i++)
    values[i] = (uint32_t)i * 2654435761u;
  for (int round = 0; round < rounds; round++) {
    state = state * 1664525u + 1013904223u;
    binary_op op = choose(state);
    for (int i = 0; i < operation_count; i++)
      used[i] += operations[i].call == op;
    values[round & 15] ^= hash;
    hash = hash * 31 + fold(op, values, 16, state) + op(state, hash);

    struct shape *s = &shapes[(unsigned)round % 3];
    total += s->type->area(s) * 0.25 + s->type->outline(s);
    s->type->grow(s, round & 64 ? -0.125 : 0.125);

    hash += machine(state >> 16, &machine);
    visits[machine == state_idle ? 0 : machine == state_busy ? 1 : 2]++;
  }
  printf("operations:");
  for (int i = 0; i < operation_count; i++)
    printf(" %s %u", name_of(operations[i].call), used[i]);
  printf("\nshapes: %.3f, last areas %.4f %.4f %.4f\n", total, shapes[0].type->area(&shapes[0]),
         shapes[1].type->area(&shapes[1]), shapes[2].type->area(&shapes[2]));
  bool shared = ring_type.grow == disc_type.grow && ring_type.area != disc_type.area && choose(0) == op_add;
  printf("states: %u %u %u, same addresses: %d\n", visits[0], visits[1], visits[2], shared);
  printf("%d rounds, hash %08x\n", rounds, hash);
  return 0;
}
