// Check lambdas, std::function, variant, optional, any and tuples, whose misuse throws.
// cflags: -std=c++20
#include <any>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

namespace {

using Number = std::variant<std::monostate, long, std::string>; // a function for each pair of them

template <typename... Ts> struct Overloaded : Ts... {
  using Ts::operator()...;
};

Number number_of(long n) {
  switch (n % 5) {
  case 0:
  case 1: return n;
  case 2:
  case 3: return std::string(std::size_t(n % 50), 'n');
  default: return {};
  }
}

[[gnu::noinline]] long visit(const Number &left, const Number &right, long scale) {
  return std::visit(
      Overloaded{
          [&](long a, long b) { return a * b + scale; },
          [=](const std::string &a, const std::string &b) { return long((a + b).size()) * scale; },
          [](std::monostate, const auto &) -> long { throw std::bad_variant_access(); },
          [](const auto &, std::monostate) -> long { throw std::string("nothing there, and a long text"); },
          [](std::monostate, std::monostate) { return -1L; },
          [&](const auto &, const auto &) { return scale; },
      },
      left, right);
}

// Throws while it is copied into the variant, which then holds nothing.
struct Refusing {
  Refusing() = default;
  Refusing(const Refusing &) { throw 77; }
};

[[gnu::noinline]] long access(const Number &number, long n) {
  long sum = n;
  const auto add = [&sum, n, half = double(n) / 2](auto value) { sum = sum * 3 + long(value) + n + long(half); };
  try {
    add(std::get<long>(number));
    add(std::get<1>(number));
  } catch (const std::bad_variant_access &) {
    add(number.index());
  }
  std::optional<std::string> text;
  if (const auto *found = std::get_if<std::string>(&number))
    text = *found;
  try {
    add(text.value().size());
  } catch (const std::bad_optional_access &) {
    add(text.value_or("four").size());
  }
  std::any any;
  if (n % 3 == 0)
    any = number;
  else if (n % 3 == 1)
    any = n;
  try {
    add(std::any_cast<long>(any));
    add(std::any_cast<Number &>(any).index());
  } catch (const std::bad_any_cast &) {
    add(any.has_value());
  }
  std::variant<long, Refusing> broken = n;
  try {
    const Refusing refusing;
    broken = refusing;
  } catch (int thrown) {
    add(thrown + broken.valueless_by_exception() + (broken.index() == 0));
  }
  return sum;
}

using Step = std::function<long(long)>;

// A chain of closures that own one another; the innermost may throw, and the empty one always does.
Step chain(int length, long limit) {
  Step step;
  if (length % 4 != 3)
    step = [limit](long value) {
      if (value > limit)
        throw std::tuple(value, limit, double(value) / 4);
      return value * 2;
    };
  for (int i = 0; i < length; ++i)
    step = [inner = std::move(step), i, text = std::string(std::size_t(20 + i), 'c')](long value) {
      const long before = value + i;
      try {
        return inner(value + 1) + before;
      } catch (const std::bad_function_call &) {
        if (i % 2)
          return before * long(text.size());
        throw;
      }
    };
  return step;
}

[[gnu::noinline]] long recurse(int depth, const std::function<long(int)> &above) {
  std::array<long, 3> here = {depth, depth * 3, depth * 5};
  const auto mine = [&](int level) {
    here[std::size_t(level % 3)] += level;
    return level == 0 ? throw here : above(level - 1) + here[1];
  };
  if (depth == 0)
    return mine(4);
  try {
    return recurse(depth - 1, mine) + here[2];
  } catch (std::array<long, 3> &thrown) {
    thrown[0] += here[0] + here[1];
    if (depth % 3)
      throw;
    return thrown[0];
  }
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 60 * scale; ++n) {
    try {
      sum = sum * 31 + std::uint64_t(visit(number_of(n), number_of(n * 3 + 1), n));
    } catch (const std::bad_variant_access &error) {
      sum = sum * 37 + std::uint64_t(error.what()[4]);
    } catch (const std::string &text) {
      sum = sum * 41 + text.size();
    }
    sum = sum * 31 + std::uint64_t(access(number_of(n), n));
    try {
      sum = sum * 31 + std::uint64_t(chain(int(n % 8), 40)(n));
    } catch (const std::tuple<long, long, double> &thrown) {
      sum = sum * 43 + std::uint64_t(std::get<0>(thrown) + long(std::get<double>(thrown)));
    } catch (const std::bad_function_call &) {
      sum = sum * 47;
    }
    try {
      sum += std::uint64_t(recurse(int(n % 7), [n](int level) { return n + level; }));
    } catch (const std::array<long, 3> &thrown) {
      sum = sum * 53 + std::uint64_t(thrown[0] + thrown[2]);
    }
  }
  std::printf("%016llx\n", (unsigned long long)sum);
}
