// Calls the shared library and is called by it; exceptions go both ways.
#include "cxx_library.h"

#include <cstdint>
#include <cstdio>
#include <future>

namespace {
std::uint64_t trail = 1;

struct Noted {
  explicit Noted(long number) : number(number) {}
  ~Noted() { trail = trail * 1000003 + std::uint64_t(number); }
  long number;
};

long answer(long value) {
  Noted noted(value);
  library_calls += 2;
  library_text += 'x';
  if (value % 3 == 0)
    refuse(value);
  if (value % 3 == 1)
    throw value;
  return value + library_calls + long(library_text.size());
}

long attempt(long value) {
  const double weight = double(value) * 0.5;
  try {
    return call_twice(answer, value);
  } catch (const Refused &refused) {
    return refused.code + long(weight);
  } catch (long thrown) {
    return thrown * 5 + in_a_thread(answer, value * 3 + (value % 2 ? 0 : 2));
  }
}
} // namespace

int main() {
  std::uint64_t sum = 0;
  for (long n = 0; n < 60; ++n)
    sum = sum * 31 + std::uint64_t(attempt(n));
  sum = sum * 31 + std::uint64_t(std::async(std::launch::async, [] { return library_calls + attempt(1); }).get());
  std::printf("%016llx %016llx %ld %zu\n", (unsigned long long)sum, (unsigned long long)trail, library_calls,
              library_text.size());
}
