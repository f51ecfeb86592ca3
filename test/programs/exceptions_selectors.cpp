// Check that the right handler is found when a destructor runs between the landing and the choice: the number by which
// code knows the type of an exception is another one in each version of the code.
#include <cstdio>
#include <cstdlib>

namespace {

unsigned long order;

struct Noted {
  explicit Noted(int number) : number(number) {}
  [[gnu::noinline]] ~Noted() { order = order * 31 + number; }
  int number;
};

struct A {
  int value;
};
struct B {
  long value;
};
struct C : A {
  short more;
};
struct D {
  double value;
};

[[gnu::noinline]] void raise(int kind) {
  switch (kind) {
  case 0: throw A{1};
  case 1: throw B{2};
  case 2: throw C{{3}, 4};
  case 3: throw D{5.5};
  default: return;
  }
}

int inner(int kind, int depth) {
  Noted noted(depth);
  try {
    Noted guarded(depth + 1);
    raise(kind);
  } catch (const D &d) {
    return int(d.value * 2);
  }
  return 0;
}

[[gnu::noinline]] int several(int kind, bool is_early) {
  Noted first(1);
  try {
    Noted second(2);
    if (is_early) {
      try {
        Noted third(3);
        raise(kind);
      } catch (const B &b) {
        order += b.value;
        raise(kind / 2);
      }
    }
    return inner(kind, 7);
  } catch (const C &c) {
    return 100 + c.more;
  } catch (const A &a) {
    return 200 + a.value;
  } catch (const B &b) {
    return 300 + int(b.value);
  } catch (...) {
    return 400;
  }
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  long sum = 0;
  for (int i = 0; i < 400 * scale; ++i)
    sum = sum * 7 + several(i % 5, i % 3 == 0);
  std::printf("%ld %lu\n", sum, order);
}
