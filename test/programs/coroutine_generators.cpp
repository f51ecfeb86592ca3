// Check generators made of coroutines: nested, lazy, ended early, and exceptions that leave them.
// cflags: -std=c++20
#include <coroutine>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

std::uint64_t trail = 1;
long frames; // coroutine frames that are alive

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Noted {
  explicit Noted(std::uint64_t number) : number(number) {}
  ~Noted() { note(number); }
  std::uint64_t number;
};

template <typename T> class Generator {
public:
  struct promise_type {
    T value{};
    std::exception_ptr thrown;
    static void *operator new(std::size_t size) {
      ++frames;
      return ::operator new(size);
    }
    static void operator delete(void *memory, std::size_t size) {
      --frames;
      ::operator delete(memory, size);
    }
    Generator get_return_object() { return Generator(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(T next) {
      value = std::move(next);
      return {};
    }
    void return_void() {}
    void unhandled_exception() { thrown = std::current_exception(); }
  };

  struct Iterator {
    Generator *of;
    bool operator==(std::default_sentinel_t) const { return of->handle.done(); }
    Iterator &operator++() {
      of->resume();
      return *this;
    }
    const T &operator*() const { return of->handle.promise().value; }
  };

  explicit Generator(std::coroutine_handle<promise_type> handle) : handle(handle) {}
  Generator(Generator &&other) noexcept : handle(std::exchange(other.handle, {})) {}
  ~Generator() {
    if (handle)
      handle.destroy();
  }
  Iterator begin() {
    resume();
    return {this};
  }
  std::default_sentinel_t end() { return {}; }

private:
  void resume() {
    handle.resume();
    if (std::exception_ptr thrown = std::exchange(handle.promise().thrown, nullptr))
      std::rethrow_exception(thrown);
  }
  std::coroutine_handle<promise_type> handle;
};

[[gnu::noinline]] long check(long value) {
  if (value % 11 == 10)
    throw std::range_error(std::to_string(value));
  return value * 3;
}

Generator<long> counting(long from, long to) {
  const double weight = double(from) * 0.5;
  for (long i = from; i < to; ++i) {
    Noted noted{std::uint64_t(i)};
    long value = i;
    try {
      value = check(i);
    } catch (const std::range_error &error) { // nothing may be yielded in a handler, only after it
      value = -std::atol(error.what());
    }
    co_yield value + long(weight);
  }
}

// Each level yields what the level below yields; its frame is on the heap, those of resume on the stack.
Generator<long> tree(int depth, long seed) {
  Noted noted{std::uint64_t(depth) + 100};
  const std::string text(std::size_t(20 + depth), 't');
  if (depth == 0) {
    co_yield check(seed);
    co_return;
  }
  for (long value : tree(depth - 1, seed + 1))
    co_yield value + long(text.size());
  co_yield seed;
  for (long value : tree(depth - 1, seed * 2 + 1))
    co_yield value ^ depth;
}

Generator<std::string> words(Generator<long> numbers) {
  __int128 total = 1;
  for (long number : numbers) {
    total = total * 1000003 + number;
    co_yield std::to_string(std::uint64_t(total >> 40));
  }
}

[[gnu::noinline]] std::uint64_t consume(long n) {
  std::uint64_t sum = std::uint64_t(n);
  try {
    for (long value : tree(3, n)) {
      sum = sum * 31 + std::uint64_t(value);
      if (sum % 61 == 0)
        break; // destroys generators that wait, with their objects
    }
  } catch (const std::range_error &error) {
    sum = sum * 37 + std::uint64_t(std::atol(error.what()));
  }
  for (const std::string &word : words(counting(n % 13, n % 13 + 9)))
    for (char c : word)
      sum = sum * 31 + std::uint64_t(c);
  return sum;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 40 * scale; ++n)
    sum = sum * 31 + consume(n);
  std::printf("%016llx %016llx, %ld frames left\n", (unsigned long long)sum, (unsigned long long)trail, frames);
}
