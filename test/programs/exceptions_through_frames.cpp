// Check that exceptions fly through frames that wait for a transition, run their destructors, and are caught.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

unsigned long order;

struct Noted {
  explicit Noted(int number) : number(number) {}
  ~Noted() { order = order * 31 + number; }
  int number;
};

struct Refused : std::runtime_error {
  Refused(int depth, const std::string &text) : std::runtime_error(text), depth(depth) {}
  int depth;
};

[[gnu::noinline]] long descend(int depth, int limit) {
  Noted noted(depth);
  if (depth == limit)
    throw Refused(depth, "no deeper than " + std::to_string(limit));
  return 3 * descend(depth + 1, limit) + depth;
}

// No handler and no destructor: nothing of it runs while the exception passes.
[[gnu::noinline]] long pass(int depth, int limit) {
  if (depth == 0)
    return descend(0, limit);
  const long below = pass(depth - 1, limit);
  return below * 5 + depth;
}

[[gnu::noinline]] long attempt(int depth, int limit) {
  long sum = 0;
  try {
    sum += pass(depth, limit);
  } catch (const std::logic_error &) {
    sum = -1; // never
  } catch (const Refused &refused) {
    sum += refused.depth + long(std::string(refused.what()).size());
  }
  return sum + depth;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  long sum = 0;
  for (int i = 0; i < 300 * scale; ++i)
    sum = sum * 7 + attempt(i % 11, i % 5);
  std::printf("%ld %lu\n", sum, order);
}
