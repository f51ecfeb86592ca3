// Check that traced stubs list each transition exactly once, from any number of threads, and change nothing else.
#include "osr-stubs/machine.h"
#include "test/support/catch_header.h"
#include "test/unit/stubs_fixture.h"

#include <memory>
#include <set>
#include <thread>
#include <vector>

using namespace osr;
using namespace osr::test;

namespace {

void set_up(TracedTransition &traced, TransitionRing &ring, std::uint32_t number, std::uint32_t cause) {
  traced.ring = &ring;
  traced.number = number;
  traced.cause = cause;
}

} // namespace

TEST_CASE("a traced script does what it does untraced, and is listed", "[stubs]") {
  auto ring = std::make_unique<TransitionRing>();
  osr_thread_number = 42;
  std::mt19937_64 random(7);
  std::uint64_t last = 0;
  for (std::uint32_t i = 0; i < 300; ++i) {
    TransitionScript script = random_script(random);
    TracedTransition traced;
    set_up(traced, *ring, i, i % 7);
    script.traced = &traced;
    StubFixture fixture;
    CHECK(fixture.check(script, random) == "");
    for (int executor = 0; executor < 3; ++executor) {
      const auto taken = ring->take();
      REQUIRE(taken);
      CHECK(taken->number == i);
      CHECK(taken->cause == i % 7);
      CHECK(taken->thread == 42);
      CHECK(taken->ticks >= last);
      last = taken->ticks;
    }
    CHECK(!ring->take());
  }
  CHECK(ring->dropped() == 0);
}

TEST_CASE("a full list drops what comes, and goes on when it has been read", "[stubs]") {
  auto ring = std::make_unique<TransitionRing>();
  TracedTransition traced;
  set_up(traced, *ring, 1, 0);
  TransitionScript script = script_in_place(64, {});
  script.traced = &traced;
  StubFixture fixture;
  std::mt19937_64 random(1);
  fixture.prepare(script, random);
  fixture.load(script, Executor::EmittedNear);
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < TransitionRing::capacity; ++i)
      ring->push(traced);
    CHECK(fixture.run(script) == "");
    ring->push(traced);
    CHECK(ring->dropped() == 2 * std::uint64_t(round + 1));
    std::uint64_t taken = 0;
    while (ring->take())
      ++taken;
    CHECK(taken == TransitionRing::capacity);
  }
}

TEST_CASE("several threads list while one reads", "[stubs]") {
  constexpr std::uint32_t threads = 4, each = 200'000;
  auto ring = std::make_unique<TransitionRing>();
  std::atomic<unsigned> running = threads;
  std::vector<std::thread> writers;
  for (std::uint32_t thread = 1; thread <= threads; ++thread)
    writers.emplace_back([&, thread] {
      osr_thread_number = pid_t(thread);
      TracedTransition traced;
      for (std::uint32_t i = 0; i < each; ++i) {
        set_up(traced, *ring, i, thread);
        ring->push(traced);
      }
      --running;
    });
  std::uint64_t taken = 0, wrong = 0;
  std::int64_t last[threads + 1] = {-1, -1, -1, -1, -1};
  for (bool ended = false;;) {
    if (const auto event = ring->take()) {
      ++taken;
      wrong += event->thread == 0 || event->thread > threads || event->cause != event->thread ||
               std::int64_t(event->number) <= last[event->thread];
      last[event->thread] = event->number;
    } else if (ended) {
      break;
    } else {
      ended = running == 0;
    }
  }
  for (std::thread &writer : writers)
    writer.join();
  CHECK(wrong == 0);
  CHECK(taken + ring->dropped() == std::uint64_t(threads) * each);
}
