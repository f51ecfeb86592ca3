// Check that threads may throw at any moment while their frames are replaced: exceptions in flight, cleanups that throw
// and catch inside, handlers that rethrow.
// libs: -pthread
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

struct Small : std::runtime_error {
  Small(std::uint64_t value) : std::runtime_error("small"), value(value) {}
  std::uint64_t value;
};

struct Other {
  std::uint64_t value;
};

[[gnu::noinline]] std::uint64_t mix(std::uint64_t value) { return value * 6364136223846793005u + 1442695040888963407u; }

struct Cleaner {
  std::uint64_t &sum, number;
  ~Cleaner() {
    try {
      if (number % 3 == 0)
        throw Other{number};
      sum = mix(sum + number);
    } catch (const Other &other) {
      sum = mix(sum ^ other.value);
    }
  }
};

[[gnu::noinline]] std::uint64_t descend(unsigned depth, unsigned seed, std::uint64_t &sum) {
  Cleaner cleaner{sum, depth + seed};
  if (depth == 0) {
    if (seed % 2)
      throw Small(mix(seed));
    throw Other{mix(seed + 1)};
  }
  const std::uint64_t below = descend(depth - 1, seed, sum);
  return below + depth;
}

[[gnu::noinline]] std::uint64_t attempt(unsigned seed, std::uint64_t &sum) {
  const std::uint64_t before = mix(seed);
  try {
    try {
      return descend(seed % 7, seed, sum) + before;
    } catch (const Small &small) {
      sum += small.value;
      if (seed % 5 == 0)
        throw;
      return before;
    }
  } catch (const Other &other) {
    return before ^ other.value;
  } catch (const std::exception &exception) {
    return before + exception.what()[0];
  }
}

void work(unsigned first, unsigned count, std::uint64_t &result) {
  std::uint64_t sum = first;
  for (unsigned i = 0; i < count; ++i)
    sum = mix(sum ^ attempt(first + i, sum));
  result = sum;
}

} // namespace

int main(int argc, char **argv) {
  const unsigned scale = argc > 1 ? unsigned(std::atoi(argv[1])) : 1;
  std::vector<std::uint64_t> results(4);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < results.size(); ++i)
    threads.emplace_back(work, i * 1000, 120 * scale, std::ref(results[i]));
  for (std::thread &thread : threads)
    thread.join();
  for (std::uint64_t result : results)
    std::printf("%016llx\n", static_cast<unsigned long long>(result));
}
