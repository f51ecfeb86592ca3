// Check that addresses lead to their owners while other owners come and go.
#include "runtime/code/range_map.h"
#include "test/support/catch_header.h"

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

using namespace osr;

namespace {

struct Owner {
  std::uint64_t begin = 0;
};

} // namespace

TEST_CASE("addresses lead to their owners, as long as these are there") {
  static constinit RangeMap<Owner> map;
  std::deque<Owner> owners;
  for (std::uint64_t i = 0; i < 50; ++i)
    map.add({1000 * i, 1000 * i + 100}, owners.emplace_back(Owner{1000 * i}));
  for (std::uint64_t i = 0; i < 50; ++i) {
    CHECK(map.find(1000 * i) == &owners[i]);
    CHECK(map.find(1000 * i + 99) == &owners[i]);
    CHECK(map.find(1000 * i + 100) == nullptr);
  }
  for (std::uint64_t i = 0; i < 50; i += 2)
    map.remove(owners[i]);
  map.remove(owners[0]); // is not there
  unsigned visited = 0;
  CHECK_FALSE(map.visit_until([&](Owner &owner) {
    CHECK(owner.begin / 1000 % 2 == 1);
    ++visited;
    return false;
  }));
  CHECK(visited == 25);
  CHECK(map.visit_until([](Owner &owner) { return owner.begin == 7000; }));
  Owner fresh{77};
  map.add({77, 177}, fresh); // takes the place of one that has gone
  CHECK(map.find(100) == &fresh);
  CHECK(map.find(1050) == &owners[1]);
}

TEST_CASE("who stays is found while others come and go in several threads") {
  static constinit RangeMap<Owner> map;
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> wrong = 0;
  Owner stays[2] = {{500}, {100'500}};
  for (Owner &owner : stays)
    map.add({owner.begin, owner.begin + 100}, owner);
  std::vector<std::thread> threads;
  for (std::uint64_t number : {1u, 2u})
    threads.emplace_back([&, number] {
      for (std::uint64_t i = 0; !ends; ++i) { // the next is elsewhere: a mixture of two would hold somebody's addresses
        Owner low{number * 100}, high{200'000 + number * 100};
        Owner &owner = i % 2 ? low : high;
        map.add({owner.begin, owner.begin + 100}, owner);
        const Owner *found = map.find(owner.begin + 1);
        wrong += found != &owner;
        map.remove(owner);
      }
    });
  for (unsigned i = 0; i < 200'000; ++i)
    for (Owner &owner : stays)
      wrong += map.find(owner.begin + i % 100) != &owner;
  ends = true;
  for (std::thread &each : threads)
    each.join();
  CHECK(wrong == 0);
  CHECK(map.find(150) == nullptr);
}

TEST_CASE("an owner that is used stays until its user has left") {
  static constinit RangeMap<Owner> map;
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> used = 0, wrong = 0;
  std::thread user([&] {
    while (!ends)
      map.use_at(550, [&](Owner *owner) {
        used += owner != nullptr;
        wrong += owner && owner->begin != 500;
      });
  });
  for (unsigned i = 0; i < 1000 || used < 100; ++i) {
    Owner owner{500};
    map.add({500, 600}, owner);
    std::this_thread::yield();
    map.remove(owner);
    owner.begin = 0;
  }
  ends = true;
  user.join();
  CHECK(wrong == 0);
}
