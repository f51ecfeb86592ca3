// Check that what libraries keep for a thread survives each first call: errno, what call_once is about to call; and that a
// program and its threads begin with no error, and main with what the constructors left.
// libs: -pthread
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

std::uint64_t sum = 1;

void fold(std::uint64_t value) { sum = sum * 1000003 + value; }

// Many functions, each called first with errno set: none of them touches it.
template <int number> [[gnu::noinline]] int seen(int depth) {
  if (depth > 0)
    return seen<number>(depth - 1);
  return errno * 100 + number % 50;
}

template <int number> struct Asked {
  Asked() { before = errno; }
  ~Asked() { fold(std::uint64_t(before * 64 + errno)); }
  int before;
};

template <int number> [[gnu::noinline]] void thrown_with_errno(int error) {
  Asked<number> asked;
  errno = error;
  if (error % 2)
    throw std::runtime_error(std::to_string(number));
}

template <int number> [[gnu::noinline]] void ask() {
  errno = number % 40 + 1;
  fold(std::uint64_t(seen<number>(number % 3)));
  int caught = 0;
  try {
    thrown_with_errno<number>(number % 40 + 2);
  } catch (const std::runtime_error &error) {
    caught = std::atoi(error.what());
  }
  fold(std::uint64_t(errno + caught));
}

// Each instance calls another function through a flag of its own, twice when the first call throws.
template <int number> [[gnu::noinline]] void once() {
  static std::once_flag flag;
  std::string text = std::to_string(number);
  for (int i = 0; i < 3; ++i)
    try {
      std::call_once(
          flag,
          [&](int turn) {
            errno = turn + number % 30 + 1;
            if (turn == 0 && number % 2)
              throw std::logic_error(text);
            fold(std::uint64_t(seen<number + 1000>(turn)) + text.size());
            std::once_flag inner;
            std::call_once(inner, [&] { text += "inner"; });
          },
          i);
    } catch (const std::logic_error &error) {
      fold(std::uint64_t(error.what()[0]));
    }
  fold(text.size());
}

int first_error = -1;

[[gnu::constructor(200)]] void begins() {
  first_error = errno;
  errno = ERANGE;
}

template <int... numbers> void all(std::integer_sequence<int, numbers...>) { (..., (ask<numbers>(), once<numbers>())); }

} // namespace

int main(int argc, char **argv) {
  const int error_in_main = errno;
  int error_in_thread = -1;
  std::thread([&] { error_in_thread = errno; }).join();
  std::printf("errors at the beginning: %d, main %d, thread %d\n", first_error, error_in_main, error_in_thread);
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  for (int round = 0; round < 2 * scale; ++round)
    all(std::make_integer_sequence<int, 24>());
  std::printf("%016llx\n", (unsigned long long)sum);
}
