// Check that exceptions thrown at every depth are caught at every depth, also across thousands of frames.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Noted {
  explicit Noted(std::uint64_t number) : number(number) {}
  ~Noted() { note(number); }
  std::uint64_t number;
};

struct Stop {
  int caught_at; // the depth whose handler keeps it
  long value;
};

// Each third level has a handler, each second an object, each fifth neither; values are live at all of them.
[[gnu::noinline]] long level(int depth, int bottom, int target, long value);

[[gnu::noinline]] long with_handler(int depth, int bottom, int target, long value) {
  const long before = value * 3 + depth;
  const double weight = double(value) * 0.5;
  try {
    return level(depth + 1, bottom, target, value + 1) + before;
  } catch (Stop &stop) {
    stop.value = stop.value * 3 + before;
    if (stop.caught_at != depth)
      throw;
    return stop.value + long(weight * 2);
  }
}

[[gnu::noinline]] long with_object(int depth, int bottom, int target, long value) {
  Noted noted{std::uint64_t(value)};
  const std::string text(std::size_t(depth % 20), char('a' + depth % 26));
  const long below = level(depth + 1, bottom, target, value + 2);
  return below * 5 + long(text.size()) + depth;
}

[[gnu::noinline]] long plain(int depth, int bottom, int target, long value) {
  const long below = level(depth + 1, bottom, target, value + 3);
  return below * 7 + value;
}

[[gnu::noinline]] long level(int depth, int bottom, int target, long value) {
  if (depth == bottom)
    throw Stop{target, value};
  if (depth % 3 == 0)
    return with_handler(depth, bottom, target, value);
  return depth % 5 == 0 || depth % 2 == 0 ? plain(depth, bottom, target, value)
                                          : with_object(depth, bottom, target, value);
}

[[gnu::noinline]] long attempt(int bottom, int target, long value) {
  try {
    return level(0, bottom, target, value);
  } catch (const Stop &stop) {
    return ~stop.value;
  }
}

// Throws on the way back, each time from one level further up, while the levels below have returned.
[[gnu::noinline]] long climb(int depth, long value) {
  long sum = value;
  if (depth > 0) {
    try {
      sum += climb(depth - 1, value * 3 + 1);
    } catch (long thrown) {
      sum ^= thrown * 5;
    }
  }
  if ((sum & 3) == 1)
    throw sum;
  return sum * 3 + depth;
}

[[gnu::noinline]] long far(int depth, const long &lent) {
  const long here = lent + depth;
  if (depth == 0)
    throw here;
  return far(depth - 1, here) + here;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (int round = 0; round < scale; ++round) {
    for (int bottom = 1; bottom < 28; ++bottom)
      for (int target = 0; target <= bottom; target += 3)
        sum = sum * 31 + std::uint64_t(attempt(bottom, target, round + bottom));
    for (int value = 0; value < 60; ++value) {
      try {
        sum = sum * 31 + std::uint64_t(climb(20, round + value));
      } catch (long thrown) {
        sum = sum * 37 + std::uint64_t(thrown);
      }
    }
    try {
      sum += std::uint64_t(far(1500, round));
    } catch (long thrown) {
      sum = sum * 31 + std::uint64_t(thrown);
    }
  }
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
