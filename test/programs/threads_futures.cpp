// Check exceptions that travel between threads: futures, promises, exception_ptr, call_once that is retried.
// libs: -pthread
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Failure : std::runtime_error {
  Failure(long code, const std::string &text) : std::runtime_error(text), code(code) {}
  long code;
};

[[gnu::noinline]] long work(int depth, long value) {
  const std::string held(std::size_t(depth % 25), 'h');
  if (depth == 0) {
    if (value % 3 == 0)
      throw Failure(value, "bottom");
    return value;
  }
  return work(depth - 1, value + 1) * 3 + long(held.size());
}

[[gnu::noinline]] long outcome(std::future<long> &future, long n) {
  const long before = n * 7;
  try {
    return future.get() + before;
  } catch (const Failure &failure) {
    return failure.code * 5 + before;
  } catch (const std::future_error &error) {
    return error.code() == std::future_errc::broken_promise ? before + 1 : before + 2;
  }
}

[[gnu::noinline]] std::uint64_t futures(long n) {
  std::uint64_t sum = 0;
  auto running = std::async(std::launch::async, work, 5, n);
  auto deferred = std::async(std::launch::deferred, work, 9, n + 1);
  std::packaged_task<long(int, long)> task(work);
  auto packaged = task.get_future();
  std::thread thread(std::move(task), 12, n + 2);
  std::promise<long> kept, broken;
  auto first = kept.get_future(), second = broken.get_future();
  std::thread other([&kept, broken = std::move(broken), n] {
    try {
      kept.set_value(work(3, n));
    } catch (...) {
      kept.set_exception(std::current_exception());
    }
  });
  for (auto *future : {&running, &deferred, &packaged, &first, &second})
    sum = sum * 31 + std::uint64_t(outcome(*future, n));
  thread.join();
  other.join();
  return sum;
}

// One exception object, thrown again by several threads.
[[gnu::noinline]] std::uint64_t shared(long n) {
  std::exception_ptr kept;
  try {
    throw Failure(n, "shared by all");
  } catch (...) {
    kept = std::current_exception();
  }
  std::array<long, 3> results{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&results, kept, i] {
      for (long round = 0; round < 10; ++round)
        try {
          std::rethrow_exception(kept);
        } catch (const Failure &failure) {
          results[i] = results[i] * 3 + failure.code + round;
        }
    });
  for (std::thread &thread : threads)
    thread.join();
  return std::uint64_t(results[0] + results[1] * 5 + results[2] * 7);
}

// The first callers throw, so others have to try; one succeeds, and nobody tries after it.
[[gnu::noinline]] std::uint64_t once() {
  std::once_flag flag;
  std::atomic<int> tries = 0, thrown = 0;
  const auto attempt = [&] {
    for (int i = 0; i < 4; ++i)
      try {
        std::call_once(
            flag,
            [&](int limit) {
              if (++tries < limit)
                throw Failure(tries, "again");
            },
            6);
      } catch (const Failure &) {
        ++thrown;
      }
  };
  std::thread first(attempt), second(attempt);
  first.join();
  second.join();
  return std::uint64_t(tries * 100 + thrown);
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 8 * scale; ++n) {
    sum = sum * 31 + futures(n);
    sum = sum * 31 + shared(n);
    sum = sum * 31 + once();
  }
  std::printf("%016llx\n", (unsigned long long)sum);
}
