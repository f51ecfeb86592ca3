// Check that an exception that meets noexcept ends in the terminate handler, and that before it all goes as usual.
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

[[gnu::noinline]] int inner(int depth) {
  Noted noted(depth);
  if (depth == 0)
    throw std::runtime_error("from the depth");
  return inner(depth - 1) + depth;
}

[[gnu::noinline]] int caught_inside(int depth) noexcept {
  try {
    return inner(depth);
  } catch (const std::exception &error) {
    return error.what()[0];
  }
}

[[gnu::noinline]] int sealed(int depth) noexcept { return inner(depth) + 1; }

// Also a program's last act may throw and catch.
[[noreturn]] void last_words() {
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::exception &error) {
    std::printf("terminated: %s\n", error.what());
  }
  int sum = 0;
  for (int i = 0; i < 20; ++i)
    sum = sum * 3 + caught_inside(i);
  std::printf("%d\n", sum);
  std::fflush(stdout);
  std::_Exit(57);
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::set_terminate(last_words);
  std::uint64_t sum = 0;
  for (int n = 0; n < 300 * scale; ++n)
    sum = sum * 31 + std::uint64_t(caught_inside(n % 9));
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
  try {
    sum += std::uint64_t(sealed(6));
  } catch (...) {
    std::printf("caught, though nothing may leave it\n");
  }
  std::printf("came back\n");
}
