// Check containers whose elements throw when copied: promises are kept, nothing leaks or dies twice.
// cflags: -std=c++20
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

std::uint64_t trail = 1;
long alive, copies_left;

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Fragile {
  Fragile(long value = 0) : value(value) { ++alive; }
  Fragile(const Fragile &other) : value(other.value) {
    if (--copies_left <= 0)
      throw std::runtime_error("copy of " + std::to_string(value));
    ++alive;
  }
  Fragile &operator=(const Fragile &other) {
    if (--copies_left <= 0)
      throw std::runtime_error("assignment");
    value = other.value;
    return *this;
  }
  ~Fragile() { --alive; }
  friend bool operator<(const Fragile &a, const Fragile &b) { return a.value < b.value; }
  friend bool operator==(const Fragile &a, const Fragile &b) { return a.value == b.value; }
  long value;
};

struct Hash {
  std::size_t operator()(const Fragile &fragile) const { return std::size_t(fragile.value * 7 % 11); }
};

template <typename Range> std::uint64_t digest(const Range &range) {
  std::uint64_t sum = range.size();
  for (const auto &element : range)
    if constexpr (requires { element.second.value; })
      sum += std::uint64_t(element.first.value * 31 + element.second.value) * 2654435761u; // in any order
    else
      sum = sum * 31 + std::uint64_t(element.value);
  return sum;
}

struct Inputs {
  const Fragile &key, &value;
};

// Whether the container is what it was before, when the operation throws. One for each container, not for each operation.
template <typename Container>
[[gnu::noinline]] long attempt(Container &container, long copies, const Inputs &inputs,
                               void (*operation)(Container &, const Inputs &)) {
  const std::uint64_t before = digest(container);
  const double weight = double(before % 1000) * 0.5;
  copies_left = copies;
  try {
    operation(container, inputs);
    copies_left = 1000000;
    note(digest(container));
    return long(weight);
  } catch (const std::exception &error) {
    copies_left = 1000000;
    note(std::uint64_t(error.what()[0]));
    return long(weight) * 2 + (digest(container) == before);
  }
}

using Vector = std::vector<Fragile>;
using Deque = std::deque<Fragile>;
using List = std::list<Fragile>;
using Map = std::map<Fragile, Fragile>;
using Table = std::unordered_map<Fragile, Fragile, Hash>;

[[gnu::noinline]] std::uint64_t sequences(long n, long copies) {
  Vector vector;
  Deque deque;
  List list;
  std::uint64_t sum = 0;
  const auto add = [&](long result) { sum = sum * 31 + std::uint64_t(result); };
  const Fragile value(n);
  const Inputs in{value, value};
  for (int i = 0; i < 6; ++i) {
    add(attempt<Vector>(vector, copies + i, in, [](auto &c, auto &in) { c.push_back(in.value); }));
    add(attempt<Deque>(deque, copies + i, in,
                       [](auto &c, auto &in) { c.size() % 2 ? c.push_back(in.value) : c.push_front(in.value); }));
    add(attempt<List>(list, copies, in, [](auto &c, auto &in) { c.insert(c.end(), 3, in.value); }));
  }
  add(attempt<Vector>(vector, copies * 2, in, [](auto &c, auto &) { c.reserve(c.capacity() + 10); }));
  add(attempt<Vector>(vector, copies, in, [](auto &c, auto &) { (void)c.at(100); }));
  add(attempt<List>(list, copies, in, [](auto &c, auto &in) { c.splice(c.begin(), List(3, in.value)); }));
  // These promise less: only that all is in order afterwards.
  for (long i = 0; i < 3; ++i) {
    attempt<Vector>(vector, copies, in, [](auto &c, auto &in) { c.insert(c.begin() + long(c.size() / 2), in.value); });
    attempt<Deque>(deque, copies, in, [](auto &c, auto &) { c[0] = c.back(); });
    attempt<List>(list, copies, in, [](auto &c, auto &) { c.reverse(), c.front() = c.back(); });
  }
  return sum;
}

[[gnu::noinline]] std::uint64_t tables(long n, long copies) {
  Map map;
  Table table;
  std::uint64_t sum = 0;
  const auto add = [&](long result) { sum = sum * 31 + std::uint64_t(result); };
  for (long i = 0; i < 5; ++i) {
    const Fragile key(n * i % 7), value(i);
    const Inputs in{key, value};
    add(attempt<Map>(map, copies, in, [](auto &c, auto &in) { c.emplace(in.key, in.value); }));
    add(attempt<Map>(map, copies, in, [](auto &c, auto &in) { c[in.key] = in.value; }) / 2);
    add(attempt<Table>(table, copies, in, [](auto &c, auto &in) { c.insert({in.key, in.value}); }));
    add(attempt<Table>(table, copies, in, [](auto &c, auto &) { (void)c.at(99); }));
  }
  const Fragile none;
  add(attempt<Map>(map, copies, {none, none}, [](auto &c, auto &) { Map(c).swap(c); }));
  return sum + digest(map) + digest(table);
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  for (long n = 0; n < 3 * scale; ++n)
    for (long copies = 1; copies < 14; ++copies) {
      sum = sum * 31 + sequences(n, copies);
      sum = sum * 31 + tables(n, copies);
      note(std::uint64_t(alive));
    }
  std::printf("%016llx %016llx, %ld alive\n", (unsigned long long)sum, (unsigned long long)trail, alive);
}
