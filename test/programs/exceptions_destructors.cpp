// Check that destructors that run while an exception passes may throw and catch themselves, at any depth.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Failure {
  long code;
  std::string text;
};

[[gnu::noinline]] long fail_below(int depth, long code) {
  if (depth == 0)
    throw Failure{code, std::to_string(code)};
  return fail_below(depth - 1, code + 1) * 3 + depth;
}

// Its destructor throws and catches, through frames with destructors of the same kind.
struct Busy {
  Busy(int level, long payload) : level(level), payload(payload), entered(std::uncaught_exceptions()) {}
  ~Busy() {
    const int passing = std::uncaught_exceptions() - entered;
    long sum = payload;
    try {
      if (level > 0) {
        Busy inner(level - 1, payload * 3);
        sum += fail_below(level, payload);
      }
    } catch (const Failure &failure) {
      sum += failure.code + long(failure.text.size());
    }
    note(std::uint64_t(sum) * 4 + std::uint64_t(passing) + std::uint64_t(std::uncaught_exceptions()));
  }
  int level;
  long payload;
  int entered;
};

// A destructor that may throw: allowed as long as no other exception passes.
struct Loud {
  explicit Loud(long code) : code(code) {}
  ~Loud() noexcept(false) {
    note(std::uint64_t(code));
    if (std::uncaught_exceptions() == 0)
      throw Failure{code, "loud"};
  }
  long code;
};

[[gnu::noinline]] long unwind(int depth, long code) {
  Busy busy(depth % 3, code);
  const long before = code * 7 + depth;
  if (depth == 0)
    throw Failure{code, "bottom"};
  long below = unwind(depth - 1, code + 2);
  return below + before; // never
}

[[gnu::noinline]] long attempt(int depth, long code) {
  double weight = double(code) * 0.5;
  long sum = 0;
  for (int i = 0; i < 3; ++i) {
    Busy outer(1, code + i);
    try {
      Busy inner(2, code - i);
      sum += i == 1 ? 5 : unwind(depth + i, code);
    } catch (const Failure &failure) {
      Busy handling(1, failure.code); // destroyed while the exception is being handled
      sum += failure.code;
      weight += double(failure.text.size());
    }
    weight *= 1.5;
  }
  return sum + long(weight);
}

[[gnu::noinline]] long loud(long code) {
  long sum = code;
  try {
    Loud first(code + 1);
    try {
      Loud second(code + 2);
      sum += 1;
    } catch (const Failure &failure) {
      sum = sum * 3 + failure.code;
    }
    Loud third(code + 3);
    if (code % 2)
      throw Failure{code, "before"}; // the destructors stay quiet
  } catch (const Failure &failure) {
    sum = sum * 5 + failure.code + long(failure.text.size());
  }
  return sum;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 10 * scale; ++n) {
    sum = sum * 31 + std::uint64_t(attempt(int(n % 4), n));
    sum = sum * 31 + std::uint64_t(loud(n));
  }
  std::printf("%016llx %016llx %d\n", (unsigned long long)sum, (unsigned long long)trail, std::uncaught_exceptions());
}
