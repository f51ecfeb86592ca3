// Check global and function-local objects: order of construction and end, initialisers that throw, atexit.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::uint64_t trail = 1;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

// Constant initialisation, so it is there for all the others, and its end is the last line that is printed.
struct Report {
  ~Report() {
    std::printf("end %016llx\n", (unsigned long long)trail);
    std::fflush(stdout);
  }
} report;

[[gnu::noinline]] long risky(long value) {
  if (value % 3)
    throw std::runtime_error("not yet " + std::to_string(value));
  return value * 5;
}

struct Early {
  explicit Early(int number) : number(number) {
    note(std::uint64_t(number));
    try {
      value = risky(number);
    } catch (const std::exception &error) {
      value = long(std::string(error.what()).size());
    }
  }
  ~Early() {
    note(std::uint64_t(number) * 7 + std::uint64_t(value));
    try {
      note(std::uint64_t(risky(value + 1)));
    } catch (const std::exception &error) {
      note(std::uint64_t(error.what()[0]));
    }
  }
  int number;
  long value = 0;
};

Early first(1), second(2);
Early several[3] = {Early(3), Early(4), Early(5)};
const std::unique_ptr<Early> owned = std::make_unique<Early>(6);
const std::string text = std::string(40, 't') + std::to_string(several[1].value);

template <int number> struct Lazy {
  static Early &instance() {
    static Early early(number); // its guard, its destructor by __cxa_atexit
    return early;
  }
  static inline Early member{number + 100};
};

// Constructed when the initialiser does not throw: the guard is given back each time that it does.
[[gnu::noinline]] long retried(long attempt) {
  static const long value = risky(attempt) + 1;
  static Early *const early = new Early(int(value));
  return value + early->number;
}

[[gnu::noinline]] long recursive(int depth) {
  static std::vector<long> seen(1, 17); // a guard in each level, taken once
  const long before = seen.back();
  if (depth > 0)
    seen.push_back(before * 3 + recursive(depth - 1));
  return seen.back() + before;
}

template <typename T> T &slot() {
  static T value = [] {
    note(sizeof(T));
    return T();
  }();
  return value;
}

void at_exit() {
  Early local(200);
  note(std::uint64_t(Lazy<7>::instance().value));
  Lazy<11>::instance(); // constructed during exit
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::atexit(at_exit);
  std::uint64_t sum = text.size();
  for (long n = 0; n < 200 * scale; ++n) {
    try {
      sum = sum * 31 + std::uint64_t(retried(n + 1));
    } catch (const std::exception &error) {
      sum = sum * 31 + std::uint64_t(error.what()[8]);
    }
    sum = sum * 31 + std::uint64_t(Lazy<7>::instance().value + Lazy<9>::instance().value + Lazy<8>::member.value);
    slot<int>() += int(n), slot<double>() += 0.5, slot<std::string>() += "x";
    Early local{int(n)};
    sum += std::uint64_t(local.value);
  }
  sum += std::uint64_t(recursive(30));
  std::printf("%016llx %016llx %d %g %zu\n", (unsigned long long)sum, (unsigned long long)trail, slot<int>(),
              slot<double>(), slot<std::string>().size());
  Early local(300); // not destroyed by exit
  std::exit(int(sum % 100));
}
