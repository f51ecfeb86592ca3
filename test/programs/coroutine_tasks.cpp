// Check tasks that wait for one another: exceptions through co_await, symmetric transfer, a scheduler of its own.
// cflags: -std=c++20
#include <coroutine>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace {

std::uint64_t trail = 1;
std::coroutine_handle<> ready[64]; // a ring
unsigned long first_ready, end_of_ready;

void enqueue(std::coroutine_handle<> handle) { ready[end_of_ready++ % 64] = handle; }

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Failure {
  long code;
  std::string text;
};

struct Noted {
  explicit Noted(long number) : number(number) {}
  ~Noted() { note(std::uint64_t(number)); }
  long number;
};

template <typename T> class [[nodiscard]] Task {
public:
  struct promise_type {
    T result{};
    std::exception_ptr thrown;
    std::coroutine_handle<> waiting = std::noop_coroutine();
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Continue {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
          return self.promise().waiting;
        }
        void await_resume() noexcept {}
      };
      return Continue();
    }
    void return_value(T value) { result = std::move(value); }
    void unhandled_exception() { thrown = std::current_exception(); }
  };

  explicit Task(std::coroutine_handle<promise_type> handle) : handle(handle) {}
  Task(Task &&other) noexcept : handle(std::exchange(other.handle, {})) {}
  ~Task() {
    if (handle)
      handle.destroy();
  }
  bool await_ready() { return handle.done(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
    handle.promise().waiting = waiting;
    return handle; // a tail call into the other coroutine
  }
  T await_resume() {
    if (handle.promise().thrown)
      std::rethrow_exception(handle.promise().thrown);
    return std::move(handle.promise().result);
  }
  void start() { enqueue(handle); }
  bool done() const { return handle.done(); }

private:
  std::coroutine_handle<promise_type> handle;
};

struct Later { // to the end of the queue; throws when it is resumed, if it was told to
  long fail_with = 0;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { enqueue(waiting); }
  void await_resume() {
    if (fail_with)
      throw Failure{fail_with, "later"};
  }
};

[[gnu::noinline]] long compute(long value) {
  if (value % 4 == 3)
    throw Failure{value, std::to_string(value)};
  return value * 5 + 1;
}

Task<long> leaf(long value) {
  Noted noted(value);
  const double weight = double(value) * 0.25;
  co_await Later{value % 5 == 4 ? value : 0};
  co_return compute(value) + long(weight);
}

Task<long> sum_of(int depth, long value) {
  Noted noted(depth + 200);
  if (depth == 0)
    co_return co_await leaf(value);
  long sum = value;
  __int128 wide = value;
  Failure kept{0, ""};
  for (long i = 0; i < 2; ++i) {
    try {
      sum += co_await sum_of(depth - 1, value * 2 + i);
      wide = wide * 1000003 + sum;
    } catch (const Failure &failure) { // waiting is not possible here
      kept = failure;
      if (depth % 3 == 2)
        throw;
    }
    if (kept.code)
      sum ^= co_await leaf(kept.code * 4 + i); // may throw too, and nobody here catches that
  }
  co_return sum + long(wide >> 64) + long(kept.text.size());
}

Task<std::string> described(long n) {
  std::string text = "task " + std::to_string(n) + ": ";
  try {
    text += std::to_string(co_await sum_of(int(n % 4), n));
  } catch (Failure &failure) {
    text += "failed with " + std::to_string(failure.code) + failure.text;
  }
  co_await Later();
  co_return text;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0, resumed = 0;
  for (long round = 0; round < 8 * scale; ++round) {
    std::vector<Task<std::string>> tasks;
    for (long n = 0; n < 8; ++n)
      tasks.push_back(described(round * 8 + n));
    for (auto &task : tasks)
      task.start();
    for (; first_ready != end_of_ready; ++resumed)
      ready[first_ready++ % 64].resume();
    for (auto &task : tasks)
      for (char c : task.await_resume())
        sum = sum * 31 + std::uint64_t(c) + task.done();
  }
  std::printf("%016llx %016llx, resumed %llu times\n", (unsigned long long)sum, (unsigned long long)trail,
              (unsigned long long)resumed);
}
