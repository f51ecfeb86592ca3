// Check that what was partly built is destroyed when a constructor throws: members, bases, arrays.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

namespace {

std::uint64_t trail = 1;
long alive, countdown;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Part {
  explicit Part(int number = 1) : number(number) {
    if (--countdown == 0)
      throw number;
    ++alive;
    note(number);
  }
  Part(const Part &other) : Part(other.number + 1) {}
  ~Part() {
    --alive;
    note(number * 2);
  }
  int number;
};

struct First {
  explicit First(int number) : part(number) {}
  virtual ~First() { note(101); }
  Part part;
};

struct Second {
  explicit Second(int number) : part(number) {}
  virtual ~Second() { note(103); }
  Part part;
};

struct Whole : First, virtual Second {
  // A handler for the whole constructor: sees what the bases and members throw, and cannot swallow it.
  explicit Whole(int number) try : Second(number + 10), First(number), left(number + 20), right(new Part(number + 30)) {
    Part local(number + 40);
    note(local.number);
  } catch (int thrown) {
    note(std::uint64_t(thrown) + 1000);
    if (thrown > 30)
      throw std::runtime_error("replaced");
  }
  Whole() : Whole(3) { // delegates: once the other one is done, the object is whole and gets its destructor
    Part local(60);
  }
  ~Whole() override { note(107); }
  Part left;
  std::unique_ptr<Part> right;
  Part rows[2][3];
};

struct Placed {
  explicit Placed(int number) : part(number) {}
  static void *operator new(std::size_t size, int tag) {
    note(std::uint64_t(tag));
    return std::malloc(size);
  }
  static void operator delete(void *memory, int tag) { // only when the constructor throws
    note(std::uint64_t(tag) * 3);
    std::free(memory);
  }
  static void operator delete(void *memory) { std::free(memory); }
  Part part;
};

[[gnu::noinline]] int guarded(int number) try {
  Part part(number);
  return part.number;
} catch (int thrown) {
  return thrown + number; // the arguments are still there
}

[[gnu::noinline]] long build(int way, int number) {
  switch (way) {
  case 0: {
    Whole whole(number);
    return whole.left.number;
  }
  case 1: {
    auto whole = std::make_unique<Whole>();
    return whole->right->number;
  }
  case 2: {
    std::unique_ptr<Part[]> parts(new Part[std::size_t(number)]);
    return number;
  }
  case 3: {
    std::unique_ptr<Placed> placed(new (number) Placed(number));
    return placed->part.number;
  }
  case 4: {
    std::vector<Part> parts(3, Part(number)); // copies throw
    parts.insert(parts.begin() + 1, Part(7));
    return parts[2].number;
  }
  case 5: {
    Part local[4] = {Part(1), Part(2), Part(number), Part()};
    return local[3].number;
  }
  default: return guarded(number);
  }
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0, thrown = 0;
  for (int round = 0; round < 6 * scale; ++round)
    for (int way = 0; way < 7; ++way)
      for (int fail_at = 1; fail_at < 16; ++fail_at) {
        countdown = fail_at;
        try {
          sum = sum * 31 + std::uint64_t(build(way, 5 + round % 7));
        } catch (int number) {
          sum = sum * 31 + std::uint64_t(number) + 500, ++thrown;
        } catch (const std::exception &error) {
          sum = sum * 31 + std::uint64_t(error.what()[0]), ++thrown;
        }
        note(std::uint64_t(alive));
      }
  std::printf("%016llx %016llx, %ld alive, %s\n", (unsigned long long)sum, (unsigned long long)trail, alive,
              thrown ? "thrown" : "never thrown");
}
