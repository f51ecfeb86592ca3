// Check thread-local objects: made on first use, destroyed at the thread's end, newest first; main's by exit.
// libs: -pthread
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

thread_local std::uint64_t trail = 1; // no constructor, no destructor: outlives the others
std::uint64_t ends[4];

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

[[gnu::noinline]] long risky(long value) {
  if (value % 3 == 0)
    throw std::runtime_error(std::to_string(value));
  return value * 7;
}

[[gnu::noinline]] long attempt(long value) {
  try {
    return risky(value);
  } catch (const std::exception &error) {
    return std::atol(error.what());
  }
}

struct Global {
  ~Global() {
    note(900);
    std::printf("static: %016llx\n", (unsigned long long)trail);
  }
} global;

struct Local {
  explicit Local(int number) : number(number), text(std::size_t(number % 50), 'l') { note(std::uint64_t(number)); }
  ~Local();
  int number;
  std::string text;
};

thread_local Local first(1), second(2);
thread_local std::map<int, std::string> names;

// Made by another one's destructor, at the thread's end.
Local &late() {
  thread_local Local local(90);
  return local;
}

Local::~Local() {
  note(std::uint64_t(number) * 13 + text.size() + std::uint64_t(attempt(number)));
  if (number == 40)
    note(std::uint64_t(late().number));
}

template <int number> Local &instance() {
  thread_local Local local(number);
  return local;
}

struct Finisher { // the first one made, so the last to go
  explicit Finisher(int slot) : slot(slot) {}
  ~Finisher() {
    if (slot == 0)
      std::printf("main: %016llx\n", (unsigned long long)trail);
    else
      ends[slot] = trail;
  }
  int slot;
};

// The guard is given back when the initialiser throws.
[[gnu::noinline]] long retried(long n) {
  thread_local const long value = risky(n * n + 2) + 1;
  thread_local const std::unique_ptr<Local> owned = std::make_unique<Local>(int(value % 30));
  return value + owned->number;
}

[[gnu::noinline]] std::uint64_t use(int slot, long rounds) {
  thread_local Finisher finisher(slot);
  std::uint64_t sum = std::uint64_t(finisher.slot);
  for (long n = 0; n < rounds; ++n) {
    Local &local = n % 2 ? instance<40>() : instance<41>();
    local.text += char('a' + n % 26);
    names[int(n % 5)] += std::to_string(n);
    try {
      sum = sum * 31 + std::uint64_t(retried(n) + attempt(n));
    } catch (const std::runtime_error &error) {
      sum = sum * 37 + std::uint64_t(std::atol(error.what()));
    }
    sum += local.text.size() + names[0].size() + std::uint64_t(n % 7 == 6 ? first.number + second.number : 0);
  }
  return sum;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0, sums[4] = {};
  for (int round = 0; round < 5 * scale; ++round) {
    std::vector<std::thread> threads;
    for (int slot = 1; slot < 4; ++slot)
      threads.emplace_back([&sums, slot] { sums[slot] = use(slot, 20 + slot); });
    for (int slot = 1; slot < 4; ++slot) {
      threads[std::size_t(slot - 1)].join();
      sum = sum * 31 + sums[slot] + ends[slot];
    }
  }
  sum = sum * 31 + use(0, 50);
  std::printf("%016llx\n", (unsigned long long)sum);
}
