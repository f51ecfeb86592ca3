// Check exceptions around loops that call nothing, and handlers that go on with, leave or restart theirs.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Noted {
  explicit Noted(std::uint64_t number) : number(number) {}
  ~Noted() { note(number); }
  std::uint64_t number;
};

struct Odd {
  std::uint64_t at;
  double weight;
};

// Its trip count is not known on entry, and only its end throws.
[[gnu::noinline]] std::uint64_t collatz(std::uint64_t start) {
  Noted noted(start);
  std::uint64_t value = start, steps = 0;
  double weight = 0;
  while (value != 1) {
    value = value % 2 ? 3 * value + 1 : value / 2;
    weight += double(value & 7);
    ++steps;
  }
  if (steps % 2)
    throw Odd{steps, weight};
  return steps;
}

[[gnu::noinline]] std::uint64_t thrown_from_loop(std::uint64_t seed) {
  std::uint64_t state = seed * 2654435761u + 1, turns = 0;
  try {
    for (;;) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      if (++turns > 5 && state % 64 == 3)
        throw state;
      if (turns == 400)
        throw std::length_error("no end in sight");
    }
  } catch (std::uint64_t found) {
    return found * 3 + turns;
  } catch (const std::length_error &error) {
    return turns + std::uint64_t(error.what()[3]);
  }
}

[[gnu::noinline]] std::uint64_t handlers_that_jump(std::uint64_t seed) {
  std::uint64_t sum = 0, inner = 0;
  double weight = 1;
  for (std::uint64_t i = 1; i < 12; ++i) {
    std::uint64_t local = seed + i;
    for (std::uint64_t k = 0; k < 40 + (local & 7); ++k) // calls nothing
      inner = inner * 5 + (k ^ local);
    try {
      sum += collatz(local % 50 + 2) * inner;
    } catch (const Odd &odd) {
      weight += odd.weight;
      if (odd.at % 3 == 0)
        continue;
      if (odd.at % 7 == 0)
        break;
      i += odd.at % 2;
      sum ^= odd.at;
    }
    while (local % 5)
      local = local * 7 + 1 + (sum & 1);
    sum = sum * 3 + local;
  }
  return sum + std::uint64_t(weight);
}

// The handler itself loops, throws and catches, with the first exception still alive.
[[gnu::noinline]] std::uint64_t loops_in_handlers(std::uint64_t seed) {
  std::uint64_t sum = seed;
  for (int tries = 0; tries < 4; ++tries) {
    try {
      throw Odd{sum, double(tries)};
    } catch (const Odd &odd) {
      std::uint64_t value = odd.at % 97 + 3;
      while (value > 2)
        value = value % 2 ? value + 1 + (sum & 0) : value / 2;
      for (std::uint64_t k = 2; k < 6; ++k) {
        try {
          sum = sum * 3 + collatz(k + odd.at % 11 + value);
        } catch (const Odd &second) {
          sum ^= second.at + odd.at + std::uint64_t(second.weight + odd.weight);
        }
      }
    }
  }
  return sum;
}

// Both operands of the loop's end are computed by calls that may throw.
[[gnu::noinline]] std::uint64_t bounds(std::uint64_t seed) {
  std::uint64_t total = 0;
  for (std::uint64_t from = 2; from < 5;) {
    try {
      const std::uint64_t end = collatz(seed % 40 + from) + collatz(seed % 30 + 2 * from);
      for (std::uint64_t i = collatz(from); i < end; ++i)
        total = total * 7 + i;
      from += 1;
    } catch (Odd odd) {
      total += odd.at;
      from += 1 + (odd.at % 5 == 0);
    }
  }
  return total;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (std::uint64_t n = 0; n < 50u * unsigned(scale); ++n) {
    sum = sum * 31 + thrown_from_loop(n);
    sum = sum * 31 + handlers_that_jump(n);
    sum = sum * 31 + loops_in_handlers(n);
    sum = sum * 31 + bounds(n);
  }
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
