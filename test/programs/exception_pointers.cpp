// Check exceptions that are kept and thrown again: exception_ptr, nested ones, one thrown while handling another.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Counted {
  explicit Counted(long value) : value(value) { ++alive; }
  Counted(const Counted &other) : value(other.value) { ++alive; }
  ~Counted() {
    --alive;
    note(std::uint64_t(value));
  }
  long value;
  static long alive;
};
long Counted::alive;

[[gnu::noinline]] long raise(int kind, long value) {
  Counted local(value);
  switch (kind % 4) {
  case 0: throw Counted(value);
  case 1: throw std::runtime_error(std::to_string(value));
  case 2: throw value;
  default: return value;
  }
}

[[gnu::noinline]] std::exception_ptr keep(int kind, long value) {
  const long before = value * 3;
  try {
    raise(kind, value + before);
  } catch (...) {
    return std::current_exception();
  }
  return kind % 8 == 3 ? std::make_exception_ptr(Counted(before)) : nullptr;
}

[[gnu::noinline]] long open(const std::exception_ptr &kept, long value) {
  const double weight = double(value) * 0.5;
  if (!kept)
    return value;
  try {
    std::rethrow_exception(kept);
  } catch (Counted &counted) {
    return ++counted.value + long(weight); // the same object each time
  } catch (const std::exception &error) {
    return std::atol(error.what()) ^ value;
  } catch (long thrown) {
    return thrown + value + long(weight);
  }
}

// Each level wraps what came from below.
[[gnu::noinline]] void wrap(int depth, long value) {
  try {
    Counted local(depth);
    if (depth == 0)
      raise(int(value % 3), value);
    wrap(depth - 1, value + 1);
  } catch (...) {
    std::throw_with_nested(std::invalid_argument("level " + std::to_string(depth) + " of " + std::to_string(value)));
  }
}

[[gnu::noinline]] long unwrap(const std::exception &error) {
  long sum = long(std::string(error.what()).size());
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception &inner) {
    sum = sum * 3 + unwrap(inner);
  } catch (const Counted &counted) {
    sum += counted.value;
  } catch (long thrown) {
    sum += thrown * 2;
  }
  return sum;
}

[[gnu::noinline]] long shuffle(long n) {
  std::vector<std::exception_ptr> kept;
  for (int kind = 0; kind < 8; ++kind)
    kept.push_back(keep(kind, n + kind));
  long sum = n;
  for (int round = 0; round < 2; ++round)
    for (std::size_t i = 0; i < kept.size(); ++i)
      sum = sum * 31 + open(kept[(i * 3) % kept.size()], long(i));
  try {
    try {
      std::rethrow_exception(kept[0]);
    } catch (...) {
      std::swap(kept[0], kept[1]);
      kept[1] = nullptr; // the handled one lives on
      const std::exception_ptr current = std::current_exception();
      sum += open(kept[0], n);
      std::rethrow_exception(current);
    }
  } catch (const Counted &counted) {
    sum ^= counted.value;
  }
  return sum;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 30 * scale; ++n) {
    sum = sum * 31 + std::uint64_t(shuffle(n));
    try {
      wrap(int(n % 9), n);
    } catch (const std::exception &error) {
      sum = sum * 37 + std::uint64_t(unwrap(error));
    }
  }
  std::printf("%016llx %016llx, %ld alive\n", (unsigned long long)sum, (unsigned long long)trail, Counted::alive);
}
