// Check that runtimes which come and go leave nothing behind, also while others live on.
#include "grow_fixture.h"

#include <array>
#include <atomic>
#include <dirent.h>
#include <fstream>
#include <malloc.h>
#include <mutex>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

struct Held {
  std::size_t heap = 0, mappings = 0, files = 0;
};

Held held_now() {
  Held now;
  now.heap = mallinfo2().uordblks;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    ++now.mappings;
  DIR *folder = opendir("/proc/self/fd");
  while (readdir(folder))
    ++now.files;
  closedir(folder);
  return now;
}

/// Less than the smallest thing that each round could leave; what LLVM keeps for the process's names grows by a tenth of that.
void check_that_none_left_more(const Held &before, unsigned rounds) {
  const Held after = held_now();
  INFO("heap " << before.heap << " -> " << after.heap << ", mappings " << before.mappings << " -> " << after.mappings);
  CHECK(after.heap < before.heap + rounds * 64);
  CHECK(after.mappings <= before.mappings + 16); // threads that began meanwhile have heaps of their own
  CHECK(after.files == before.files);
}

const std::vector<std::string> body = {recursion, "define i64 @host(i64 %x) { ret i64 %x }"};

void use_and_close(std::unique_ptr<Runtime> runtime) {
  REQUIRE(call(*runtime, "sum", 10) == 55);
  cantFail(runtime->replace("sum", {.to = Tier::Baseline}));
  REQUIRE(call(*runtime, "sum", 10) == 55);
  cantFail(Runtime::close(runtime));
}

TEST_CASE("Runtimes that are created, used and closed leave no memory, mappings or descriptors") {
  constexpr unsigned warm = 40, rounds = 400;
  Held before;
  for (unsigned i = 0; i < warm + rounds; ++i) {
    if (i == warm)
      before = held_now();
    auto runtime = runtime_with(body, {.tier = i % 2 ? Tier::Baseline : Tier::Optimized});
    if (i % 7 == 0)
      use_and_close(std::move(runtime));
  }
  check_that_none_left_more(before, rounds);
}

TEST_CASE("Runtimes that cannot be created leave nothing either") {
  constexpr unsigned warm = 20, rounds = 200;
  Held before;
  for (unsigned i = 0; i < warm + rounds; ++i) {
    if (i == warm)
      before = held_now();
    Runtime::Options impossible;
    switch (i % 4) {
    case 0: impossible.libraries = {"/there/is/no/library.so"}; break;
    case 1: impossible.stops.signal_number = SIGINT; break;
    case 2: impossible.slabs.code = std::uint64_t(1) << 40; break;
    case 3: impossible.reference_spaces = {300}; break;
    }
    REQUIRE_FALSE(toString(Runtime::create(std::move(impossible)).takeError()).empty());
  }
  check_that_none_left_more(before, rounds);
  use_and_close(runtime_with(body));
}

TEST_CASE("There are always two, each of which threads call while the other comes or goes") {
  constexpr unsigned rounds = 24;
  std::array<std::unique_ptr<Runtime>, 2> runtimes;
  std::array<std::mutex, 2> in_use;
  for (auto &runtime : runtimes)
    runtime = runtime_with(body);
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> wrong = 0, calls = 0;
  std::vector<std::thread> threads;
  for (unsigned which : {0u, 1u})
    threads.emplace_back([&, which] {
      auto attached = cantFail(ThreadAttachment::attach());
      while (!ends) {
        std::lock_guard lock(in_use[which]);
        const std::uint64_t sum = cantFail(runtimes[which]->lookup("sum"));
        for (unsigned i = 0; i < 20; ++i, ++calls)
          wrong += attached.call(sum, 200) != 20100;
        cantFail(runtimes[which]->replace("sum", {.to = Tier::Baseline}));
      }
    });
  for (unsigned i = 0; i < rounds; ++i) {
    auto fresh = runtime_with(body, {.tier = i % 4 < 2 ? Tier::Baseline : Tier::Optimized});
    std::lock_guard lock(in_use[i % 2]);
    std::swap(runtimes[i % 2], fresh);
    cantFail(Runtime::close(fresh));
  }
  ends = true;
  for (std::thread &each : threads)
    each.join();
  CHECK(wrong == 0);
  CHECK(calls > 0);
}

} // namespace
} // namespace osr
