// The table of stubs: against std::map, and with readers that never wait.
#include "runtime/stack/stub_table.h"
#include "test/support/catch_header.h"

#include <map>
#include <random>
#include <thread>

using namespace osr;

namespace {

StubEntry entry_for(std::uintptr_t stub) { return {stub * 3 + 1, nullptr, reinterpret_cast<const void *>(stub)}; }

} // namespace

TEST_CASE("the stub table behaves like a map") {
  StubTable table;
  std::map<std::uintptr_t, StubEntry> model;
  std::mt19937_64 random(7);
  for (unsigned step = 0; step < 200000; ++step) {
    // Few distinct keys, 16 bytes apart as real stubs: long runs and many tombstones.
    const std::uintptr_t stub = 0x10000 + random() % (step < 100000 ? 64 : 2048) * 16;
    if (model.count(stub)) {
      table.remove(stub);
      model.erase(stub);
    } else {
      table.add(stub, entry_for(stub));
      model[stub] = entry_for(stub);
    }
    if (step % 64 == 0)
      for (std::uintptr_t key = 0x10000; key < 0x10000 + 2048 * 16; key += 16) {
        const auto found = table.find(key);
        if (found.has_value() != (model.count(key) == 1) || (found && found->original_pc != key * 3 + 1))
          FAIL("stub " << key << " at step " << step);
      }
  }
  CHECK(table.size() == model.size());
  CHECK_FALSE(table.find(0));
  CHECK_FALSE(table.find(1));
  CHECK_FALSE(table.original_pc(0x10001));
}

TEST_CASE("readers find every stub that stays, whatever writers do") {
  StubTable table;
  constexpr std::uintptr_t staying = 500, first = 0x10000;
  for (std::uintptr_t i = 0; i < staying; ++i)
    table.add(first + i * 32, entry_for(first + i * 32));
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> rounds = 0, misses = 0;
  std::vector<std::thread> readers;
  for (unsigned t = 0; t < 2; ++t)
    readers.emplace_back([&] {
      while (!stop) {
        for (std::uintptr_t stub = first; stub < first + staying * 32; stub += 32)
          misses += table.original_pc(stub) != stub * 3 + 1;
        ++rounds;
      }
    });
  std::mt19937_64 random(3);
  std::vector<std::uintptr_t> passing;
  for (unsigned step = 0; step < 100000 || rounds < 10; ++step) {
    if (passing.size() < 100 + step / 50 % 3000) {
      passing.push_back(first + 16 + step * 32);
      table.add(passing.back(), entry_for(passing.back()));
    } else {
      std::swap(passing[random() % passing.size()], passing.back());
      table.remove(passing.back());
      passing.pop_back();
    }
  }
  stop = true;
  for (std::thread &reader : readers)
    reader.join();
  CHECK(misses == 0);
  CHECK(table.size() == staying + passing.size());
  table.free_outgrown();
  CHECK(table.original_pc(first) == first * 3 + 1);
}
