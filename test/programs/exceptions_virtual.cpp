// Check exceptions through virtual calls, thunks of multiple and virtual bases, covariant results, pointers to members.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Error {
  virtual ~Error() = default;
  long code = 1;
};
struct Marked {
  virtual ~Marked() = default;
  long mark = 2;
};
struct Both : Error, Marked { // caught as its second base: the address is adjusted
  Both(long code, long mark) { this->code = code, this->mark = mark; }
};
struct Deep : virtual Error, virtual Marked {
  explicit Deep(long code) { this->code = code, mark = code * 2; }
};

struct Shape {
  virtual ~Shape() { note(3); }
  virtual long area(long seed) = 0;
  virtual Shape *copy() const = 0;
  long pad = 7;
};
struct Named {
  virtual ~Named() { note(5); }
  virtual std::string name(long seed) = 0;
  virtual long fail(long seed) = 0;
  double pad = 0.5;
};
struct Counted {
  virtual ~Counted() { note(7); }
  virtual long count(long seed) const { return seed; }
  long pad = 11;
};

struct Square : Shape, Named, virtual Counted {
  explicit Square(long side) : side(side) {}
  ~Square() override { note(std::uint64_t(side)); }
  long area(long seed) override {
    if (seed % 4 == 0)
      throw Both(side, seed);
    return side * side + seed;
  }
  std::string name(long seed) override { // the result is in memory, and the receiver is adjusted
    if (seed % 4 == 1)
      throw Deep(side + seed);
    return "square " + std::to_string(side) + std::string(std::size_t(seed % 30), '.');
  }
  long fail(long seed) override {
    const std::unique_ptr<Square> twin(copy());
    return twin->area(seed) + count(seed);
  }
  Square *copy() const override { return new Square(side + 1); }
  long count(long seed) const override {
    if (seed % 4 == 2)
      throw side;
    return seed + pad0();
  }
  long pad0() const { return Counted::pad; }
  long side;
};

struct Cube : Square {
  explicit Cube(long side) : Square(side) {}
  long area(long seed) override {
    try {
      return 6 * Square::area(seed);
    } catch (Error &error) {
      error.code += 100;
      throw;
    }
  }
  Cube *copy() const override { return new Cube(side + 2); }
};

[[gnu::noinline]] long use(Shape &shape, Named &named, const Counted &counted, long seed) {
  long sum = seed;
  const double weight = named.pad + double(seed);
  for (int step = 0; step < 4; ++step) {
    try {
      const std::unique_ptr<Shape> twin(shape.copy());
      switch ((step + seed) % 4) {
      case 0: sum += twin->area(seed + step); break;
      case 1: sum += long(named.name(seed + step).size()); break;
      case 2: sum += counted.count(seed + step); break;
      default: sum += named.fail(seed + step);
      }
    } catch (const Marked &marked) {
      sum = sum * 3 + marked.mark + dynamic_cast<const Error &>(marked).code;
    } catch (long side) {
      sum = sum * 5 + side;
    }
    sum += long(weight);
  }
  return sum;
}

[[gnu::noinline]] long through_pointer(Square &square, long (Square::*method)(long), long seed) {
  try {
    return (square.*method)(seed);
  } catch (const Error &error) {
    return error.code - seed;
  } catch (...) {
    return seed * 9;
  }
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  long (Square::*const methods[])(long) = {&Square::area, &Square::fail};
  for (long n = 0; n < 60 * scale; ++n) {
    Square square(n % 13);
    Cube cube(n % 11);
    sum = sum * 31 + std::uint64_t(use(square, square, square, n));
    sum = sum * 31 + std::uint64_t(use(cube, cube, cube, n));
    for (auto method : methods)
      sum = sum * 31 + std::uint64_t(through_pointer(n % 2 ? square : cube, method, n));
  }
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
