// Check that calls by pointer which had one target for a long time reach the next one, and branches that were never taken.
//
// Each part has phases: for many rounds nothing changes, then a pointer, an object or a condition does, and later it
// changes back. Targets throw, too, and are caught in frames that call them by pointer; and they change the pointer
// that they are called through.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

using Word = std::uint64_t;

static Word mix(Word sum, Word x) { return (sum ^ x) * 0x9e3779b97f4a7c15u + (sum >> 29); }

// Function pointers in memory and as arguments.

using Operation = Word (*)(Word, Word);
static Word add(Word a, Word b) { return a + b; }
static Word subtract(Word a, Word b) { return a - b; }
static Word rotate(Word a, Word b) { return a << (b & 63) | a >> (-b & 63); }
static Word weigh(Word a, Word b) { return 3 * a + 5 * b; }

static Operation operation = add;

__attribute__((noinline)) static Word apply(Operation by, Word rounds, Word start) {
  Word sum = start;
  for (Word i = 0; i < rounds; ++i)
    sum = mix(sum, by(sum, i)) + operation(i, sum);
  return sum;
}

static Word phases_of_pointers(Word rounds) {
  static const Operation order[] = {add, add, subtract, add, rotate, weigh, weigh, add};
  Word sum = 1;
  for (Operation now : order) {
    sum = apply(now, rounds, sum);
    operation = now == weigh ? rotate : operation;
    sum = apply(add, rounds, sum);
  }
  return sum;
}

// Objects: one class, then two in turn, then five.

struct Shape {
  explicit Shape(Word size) : size(size) {}
  virtual ~Shape() = default;
  virtual Word area() const = 0;
  virtual Word edges() const { return size & 7; }
  Word size;
};
struct Square : Shape {
  using Shape::Shape;
  Word area() const override { return size * size; }
  Word edges() const override { return 4; }
};
struct Disc final : Shape {
  using Shape::Shape;
  Word area() const override { return 3 * size * size + size / 7; }
};
struct Cell final : Square {
  using Square::Square;
  Word area() const override { return Square::area() + 1; }
};
struct Tile final : Shape {
  using Shape::Shape;
  Word area() const override { return size + edges(); }
  Word edges() const override { return 6; }
};
struct Hole final : Shape {
  using Shape::Shape;
  Word area() const override { return 0 - size; }
};

static Word total(const std::vector<Shape *> &shapes) {
  Word sum = 0;
  for (const Shape *shape : shapes)
    sum = mix(sum, shape->area()) + shape->edges();
  return sum;
}

static Word phases_of_objects(Word rounds) {
  Square square(5);
  Disc disc(8);
  Cell cell(13);
  Tile tile(21);
  Hole hole(34);
  Shape *const all[] = {&square, &disc, &cell, &tile, &hole};
  Word sum = 0;
  for (int kinds : {1, 2, 5, 1}) {
    std::vector<Shape *> shapes;
    for (Word i = 0; i < 20; ++i)
      shapes.push_back(all[i % kinds]);
    for (Word i = 0; i < rounds / 8; ++i) {
      square.size = i & 255;
      sum = mix(sum, total(shapes));
    }
  }
  return sum;
}

// Targets that throw, from the depth of a recursion, and are caught beside the call by pointer.

struct Refused {
  Word value;
};
static Word quiet(Word x) { return x * 7; }
static Word picky(Word x) {
  if (x % 5 == 3)
    throw Refused{x};
  return x * 11;
}
static Word angry(Word x) { throw std::runtime_error(x & 1 ? "odd" : "even"); }

struct Counter {
  explicit Counter(Word &count) : count(count) {}
  ~Counter() { ++count; }
  Word &count;
};

static Word descend(Word (*leaf)(Word), unsigned depth, Word x, Word &left) {
  Counter counter(left);
  if (depth == 0)
    return leaf(x);
  return mix(descend(leaf, depth - 1, x + depth, left), depth);
}

__attribute__((noinline)) static Word guarded(Word (*leaf)(Word), Word x, Word &left) {
  try {
    return leaf(x) + descend(leaf, x % 4, x, left);
  } catch (const Refused &refused) {
    return refused.value ^ left;
  } catch (const std::exception &error) {
    return Word(error.what()[0]) + left;
  }
}

static Word phases_of_exceptions(Word rounds) {
  Word sum = 0, left = 0;
  for (auto leaf : {quiet, picky, quiet, angry, picky})
    for (Word i = 0; i < rounds / 4; ++i)
      sum = mix(sum, guarded(leaf, i, left));
  return sum + left;
}

// Branches that are never taken for long, with a call on the other side; some in a callee, some in a handler.

static Word rare_calls = 0;
__attribute__((noinline)) static Word rare(Word x) {
  ++rare_calls;
  return x / 3;
}
static Word limited(Word x, Word limit) {
  if (x > limit)
    x = rare(x) + limit;
  return x + 1;
}

__attribute__((noinline)) static Word climb(Word rounds, Word limit) {
  Word x = 0, sum = 0;
  for (Word i = 0; i < rounds; ++i) {
    x = limited(x, limit);
    sum = mix(sum, x);
    try {
      if (x == limit)
        throw Refused{x};
    } catch (const Refused &refused) {
      if (refused.value > 300)
        sum += rare(sum);
      sum += refused.value;
    }
  }
  return sum + rare_calls;
}

static Word phases_of_branches(Word rounds) {
  Word sum = 0;
  for (Word limit : {~Word(0), Word(100000), Word(400), Word(200), Word(50), ~Word(0)})
    sum = mix(sum, climb(rounds, limit));
  return sum;
}

// A table that the called functions themselves change.

struct Machine {
  Word (*step)(Machine &);
  Word state = 1, switches = 0;
};
static Word slow_step(Machine &machine);
static Word fast_step(Machine &machine) {
  machine.state = machine.state * 6364136223846793005u + 1442695040888963407u;
  if (machine.state >> 54 == 77) {
    machine.step = slow_step;
    ++machine.switches;
  }
  return machine.state >> 33;
}
static Word slow_step(Machine &machine) {
  machine.state ^= machine.state >> 12;
  machine.step = fast_step;
  return machine.state & 0xffff;
}

static Word phases_of_a_machine(Word rounds) {
  Machine machine{fast_step};
  Word sum = 0;
  for (Word i = 0; i < 4 * rounds; ++i)
    sum = mix(sum, machine.step(machine));
  return sum + machine.switches;
}

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  const Word rounds = 250 * Word(scale < 1 ? 1 : scale);
  std::printf("pointers %016llx\n", (unsigned long long)phases_of_pointers(rounds));
  std::printf("objects %016llx\n", (unsigned long long)phases_of_objects(rounds));
  std::printf("exceptions %016llx\n", (unsigned long long)phases_of_exceptions(rounds));
  std::printf("branches %016llx\n", (unsigned long long)phases_of_branches(rounds));
  std::printf("machine %016llx\n", (unsigned long long)phases_of_a_machine(rounds));
  return 0;
}
