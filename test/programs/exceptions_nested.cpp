// Check that nested handlers are found in order: rethrown, replaced, by base, value, pointer or anything.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Trace {
  explicit Trace(int number) : number(number) {}
  ~Trace() { note(number); }
  int number;
};

struct Base {
  explicit Base(long value) : value(value) {}
  Base(const Base &other) : value(other.value + 1) { note(3); } // a copy can be told
  virtual ~Base() { note(5); }
  virtual long weight() const { return value; }
  long value;
};

struct Middle : Base {
  using Base::Base;
  long weight() const override { return value * 2; }
};

struct Leaf : Middle {
  explicit Leaf(long value) : Middle(value), text(std::size_t(value % 40), 'x') {}
  long weight() const override { return value * 3 + long(text.size()); }
  std::string text;
};

Leaf everlasting(99);

[[gnu::noinline]] void raise(int kind, long value) {
  Trace trace(7);
  switch (kind) {
  case 0: throw Base(value);
  case 1: throw Middle(value);
  case 2: throw Leaf(value);
  case 3: throw static_cast<Base *>(&everlasting);
  case 4: throw &everlasting;
  case 5: throw std::out_of_range(std::to_string(value));
  case 6: throw int(value);
  case 7: throw static_cast<const char *>("text");
  case 8: throw nullptr;
  default: return;
  }
}

[[gnu::noinline]] long innermost(int kind, long value) {
  long held = value * 5;
  try {
    Trace trace(11);
    raise(kind, value);
    held += 1;
  } catch (Leaf &leaf) {
    leaf.value += 1000; // the same object goes on
    held += leaf.weight();
    throw;
  } catch (Middle middle) {
    held += middle.weight();
    throw Middle(held); // another one
  } catch (int number) {
    held ^= number;
  }
  return held;
}

[[gnu::noinline]] long around(int kind, long value) {
  Trace trace(13);
  long held = value ^ 0x55;
  try {
    try {
      held += innermost(kind, value);
    } catch (const std::logic_error &error) {
      note(17 + std::string(error.what()).size());
      try {
        raise(kind == 5 ? 6 : kind, value + 1); // thrown and caught while the other one is still being handled
      } catch (int number) {
        held += number;
      }
      throw;
    } catch (...) {
      note(19);
      throw;
    }
  } catch (const Base &base) {
    held += base.weight();
  } catch (const Base *base) {
    held -= base->weight();
  } catch (const char *text) {
    held += text[1];
  } catch (const std::exception &error) {
    held += std::atol(error.what());
  }
  return held;
}

[[gnu::noinline]] long replaced(long value) {
  long count = 0;
  for (int i = 0; i < 3; ++i)
    try {
      try {
        raise(6, value + i);
      } catch (int first) {
        Trace trace(23);
        raise(i, first); // leaves the handler: the first one ends, the second goes on
      }
    } catch (Base &base) {
      count += base.weight() * (i + 1);
    }
  return count;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 50 * scale; ++n) {
    for (int kind = 0; kind < 10; ++kind) // nullptr too: caught as a pointer that is null
      if (kind != 8)
        sum = sum * 31 + std::uint64_t(around(kind, n));
    sum = sum * 31 + std::uint64_t(replaced(n));
    try {
      raise(8, n);
    } catch (Base *base) {
      sum += base == nullptr;
    }
  }
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
