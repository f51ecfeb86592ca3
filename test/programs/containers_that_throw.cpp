// Check containers whose elements throw when copied: promises are kept, nothing leaks or dies twice.
// cflags: -std=c++20
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
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

// Whether the container is what it was before, when the operation throws.
template <typename Container, typename Operation>
[[gnu::noinline]] long attempt(Container &container, long copies, Operation operation) {
  const std::uint64_t before = digest(container);
  const double weight = double(before % 1000) * 0.5;
  copies_left = copies;
  try {
    operation(container);
    copies_left = 1000000;
    note(digest(container));
    return long(weight);
  } catch (const std::exception &error) {
    copies_left = 1000000;
    note(std::uint64_t(error.what()[0]));
    return long(weight) * 2 + (digest(container) == before);
  }
}

[[gnu::noinline]] std::uint64_t sequences(long n, long copies) {
  std::vector<Fragile> vector;
  std::deque<Fragile> deque;
  std::list<Fragile> list;
  std::uint64_t sum = 0;
  const auto add = [&](long result) { sum = sum * 31 + std::uint64_t(result); };
  const Fragile value(n);
  for (int i = 0; i < 6; ++i) {
    add(attempt(vector, copies + i, [&](auto &c) { c.push_back(value); }));
    add(attempt(deque, copies + i, [&](auto &c) { i % 2 ? c.push_back(value) : c.push_front(value); }));
    add(attempt(list, copies, [&](auto &c) { c.insert(c.end(), 3, value); }));
  }
  add(attempt(vector, copies * 2, [](auto &c) { c.reserve(c.capacity() + 10); }));
  add(attempt(vector, copies * 2, [](auto &c) { c.resize(c.size() + 5); }));
  add(attempt(vector, copies, [](auto &c) { (void)c.at(100); }));
  add(attempt(list, copies, [&](auto &c) { c.splice(c.begin(), std::list<Fragile>(3, value)); }));
  add(attempt(list, copies, [](auto &c) { c.sort(); }));
  // These promise less: only that all is in order afterwards.
  for (long i = 0; i < 3; ++i) {
    attempt(vector, copies, [&](auto &c) { c.insert(c.begin() + long(c.size() / 2), value); });
    attempt(deque, copies, [&](auto &c) { c.insert(c.begin() + long(c.size() / 2), 2, Fragile(i)); });
    attempt(vector, copies, [](auto &c) { std::sort(c.rbegin(), c.rend()); });
    attempt(deque, copies, [&](auto &c) { c.assign(vector.begin(), vector.end()); });
  }
  return sum;
}

[[gnu::noinline]] std::uint64_t tables(long n, long copies) {
  std::map<Fragile, Fragile> map;
  std::unordered_map<Fragile, Fragile, Hash> table;
  std::multiset<Fragile> set;
  std::uint64_t sum = 0;
  const auto add = [&](long result) { sum = sum * 31 + std::uint64_t(result); };
  for (long i = 0; i < 5; ++i) {
    const Fragile key(n * i % 7), value(i);
    add(attempt(map, copies, [&](auto &c) { c.emplace(key, value); }));
    add(attempt(map, copies, [&](auto &c) { c[key] = value; }) / 2);
    add(attempt(table, copies, [&](auto &c) { c.insert({key, value}); }));
    add(attempt(table, copies, [&](auto &c) { (void)c.at(99); }));
    add(attempt(set, copies, [&](auto &c) { c.insert(key); }));
  }
  add(attempt(table, copies, [](auto &c) { c.rehash(97); }));
  add(attempt(map, copies, [&](auto &c) { std::map<Fragile, Fragile>(c).swap(c); }));
  return sum + digest(map) + digest(table) + digest(set);
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
