// Check that dynamic exception specifications let through what they list, and replace the rest.
// cflags: -std=c++14
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Noted {
  explicit Noted(int number) : number(number) {}
  ~Noted() { note(number); }
  int number;
};

struct Allowed : std::runtime_error {
  explicit Allowed(long code) : std::runtime_error("allowed"), code(code) {}
  long code;
};

struct Narrow : Allowed {
  using Allowed::Allowed;
};

__attribute__((noinline)) long raise(int kind, long code) {
  Noted noted(kind + 1);
  if (kind == 0)
    throw Allowed(code);
  if (kind == 1)
    throw Narrow(code);
  if (kind == 2)
    throw code;
  if (kind == 3)
    throw "unexpected";
  return code;
}

__attribute__((noinline)) long listed(int kind, long code) throw(Allowed, long) {
  Noted noted(11);
  return raise(kind, code) * 3;
}

__attribute__((noinline)) long with_bad(int kind, long code) throw(long, std::bad_exception) {
  Noted noted(13);
  return raise(kind, code) * 5;
}

// What is not listed comes here; the specification that was violated lists what this throws.
void replace() {
  note(17);
  throw Allowed(4242);
}

// What this rethrows is not listed either; where bad_exception is, it takes its place.
void insist() {
  note(19);
  throw;
}

__attribute__((noinline)) long attempt(int kind, long code) {
  long sum = code * 7;
  const double weight = double(code) * 0.25;
  std::set_unexpected(replace);
  try {
    sum += listed(kind, code);
  } catch (const Allowed &allowed) {
    sum += allowed.code;
  } catch (long thrown) {
    sum ^= thrown;
  }
  std::set_unexpected(insist);
  try {
    sum += with_bad(kind, code + 1);
  } catch (long thrown) {
    sum -= thrown;
  } catch (const std::bad_exception &) {
    sum *= 3;
  }
  return sum + long(weight * 4);
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 100 * scale; ++n)
    for (int kind = 0; kind < 5; ++kind)
      sum = sum * 31 + std::uint64_t(attempt(kind, n));
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
