// Check threads that throw, catch and rethrow all at once, with locks held by objects.
// libs: -pthread
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Rejected : std::runtime_error {
  explicit Rejected(long code) : std::runtime_error("rejected " + std::to_string(code)), code(code) {}
  long code;
};

struct Closed {};

template <typename T> class Channel {
public:
  explicit Channel(std::size_t room) : room(room) {}
  void send(T value) {
    std::unique_lock guard(mutex);
    writable.wait(guard, [&] { return values.size() < room; });
    values.push_back(std::move(value));
    readable.notify_one();
  }
  T receive() {
    std::unique_lock guard(mutex);
    readable.wait(guard, [&] { return !values.empty() || closed; });
    if (values.empty())
      throw Closed(); // through the lock's destructor
    T value = std::move(values.front());
    values.pop_front();
    writable.notify_one();
    return value;
  }
  void close() {
    std::lock_guard guard(mutex);
    closed = true;
    readable.notify_all();
  }

private:
  std::mutex mutex;
  std::condition_variable readable, writable;
  std::deque<T> values;
  std::size_t room;
  bool closed = false;
};

class Ledger {
public:
  void add(int depth, long value) {
    std::lock_guard guard(mutex); // recursive
    if (depth > 0)
      return add(depth - 1, value + depth);
    if (value % 5 == 0)
      throw Rejected(value);
    total += std::uint64_t(value);
  }
  std::uint64_t total = 0;

private:
  std::recursive_mutex mutex;
};

[[gnu::noinline]] long judge(int depth, long value) {
  const double weight = double(value) * 0.25;
  try {
    if (depth == 0) {
      if (value % 3 == 0)
        throw Rejected(value);
      return value;
    }
    return judge(depth - 1, value) * 3 + depth;
  } catch (Rejected &rejected) {
    rejected.code += depth;
    if (depth % 4 == 3)
      return rejected.code + long(weight * 4);
    throw;
  }
}

struct Worker {
  Channel<long> &in;
  Ledger &ledger;
  std::uint64_t accepted = 0, rejected = 0;

  void operator()() {
    try {
      for (;;) {
        const long value = in.receive();
        try {
          accepted += std::uint64_t(judge(int(value % 7), value));
          ledger.add(int(value % 4), value);
        } catch (const Rejected &error) {
          rejected += std::uint64_t(error.code) * 3 + std::string(error.what()).size();
        }
      }
    } catch (Closed) {
    }
  }
};

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  Channel<long> channel(16);
  Ledger ledger;
  std::vector<Worker> workers(4, Worker{channel, ledger});
  std::vector<std::thread> threads;
  for (Worker &worker : workers)
    threads.emplace_back(std::ref(worker));
  for (long value = 0; value < 500 * scale; ++value)
    channel.send(value);
  channel.close();
  for (std::thread &thread : threads)
    thread.join();
  std::uint64_t accepted = 0, rejected = 0;
  for (const Worker &worker : workers) {
    accepted += worker.accepted;
    rejected += worker.rejected;
  }
  std::printf("%llu accepted, %llu rejected, %llu in the ledger\n", (unsigned long long)accepted,
              (unsigned long long)rejected, (unsigned long long)ledger.total);
}
