// Check setjmp and longjmp beside exceptions: in turns on one stack, over frames that have nothing to destroy.
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

std::uint64_t trail = 1;
std::jmp_buf places[3];

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Noted {
  explicit Noted(long number) : number(number) {}
  ~Noted() { note(std::uint64_t(number)); }
  long number;
};

// Nothing to destroy and no handler: both a jump and an exception may pass.
[[gnu::noinline]] long bare(int depth, long value, int way) {
  const long before = value * 3 + depth;
  if (depth == 0) {
    if (way == 0)
      throw value;
    if (way <= 3)
      std::longjmp(places[way - 1], int(value % 1000) + 1);
    return value;
  }
  return bare(depth - 1, value + 1, way) + before;
}

[[gnu::noinline]] long with_objects(int depth, long value) {
  Noted noted(value);
  if (depth == 0)
    throw std::runtime_error(std::to_string(value));
  return with_objects(depth - 1, value + 2) * 3;
}

// A place to jump to, with an exception thrown and caught both before and after the jump.
[[gnu::noinline]] long landing(int number, int depth, long value, int way) {
  volatile long result = value;
  const int jumped = setjmp(places[number]);
  if (jumped == 0) {
    try {
      result = result + bare(depth, value, way);
    } catch (long thrown) {
      result = result * 5 + thrown;
    }
  } else {
    try {
      result = result + with_objects(depth % 4, jumped);
    } catch (const std::exception &error) {
      result = result * 7 + std::atol(error.what());
    }
  }
  return result;
}

[[gnu::noinline]] long nested(int depth, long value, int way) {
  volatile long result = value;
  Noted noted(value); // outlives all jumps
  if (setjmp(places[1]) == 0) {
    result = result + landing(0, depth, value, way == 3 ? 0 : way);
    try {
      result = result + landing(2, depth + 1, value + 5, way == 1 ? 0 : way);
    } catch (const std::exception &) {
      result = -1; // never
    }
  } else {
    result = result * 11 + landing(0, depth, value + 7, 1);
  }
  return result;
}

[[gnu::noinline]] long rethrown(int depth, long value) {
  try {
    with_objects(depth, value);
  } catch (const std::exception &) {
    note(std::uint64_t(nested(depth, value, 1 + depth % 3))); // jumps and throws while an exception is handled
    try {
      throw;
    } catch (const std::runtime_error &error) {
      return std::atol(error.what());
    }
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 60 * scale; ++n)
    for (int way = 0; way < 5; ++way) {
      sum = sum * 31 + std::uint64_t(nested(int(n % 9), n, way));
      sum = sum * 31 + std::uint64_t(rethrown(int(n % 5), n));
    }
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
