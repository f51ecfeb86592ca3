// Checks when the policies that come with the runtime want a function.
#include "heat_counters.h"

#include "runtime/tiering/heat_table.h"
#include "test/support/catch_header.h"

#include <limits>

using namespace osr;
using State = HeatCounter::State;

namespace {

FunctionInfo body(FunctionId id) {
  FunctionInfo info;
  info.numbered_sites.emplace();
  info.id = id;
  return info;
}

} // namespace

TEST_CASE("A counter that ran out is noticed once, and counts on from further away each time") {
  CountingPolicy policy(100);
  Counters counters;
  HeatTable table(policy, counters.allocate());
  HeatCounter *counter = table.counter_of(body(3), 7, true);
  REQUIRE(counter);
  CHECK(counter->left == 100);
  CHECK_FALSE(table.find(2));
  CHECK(table.find(3) == counter);

  counter->left = -1;
  CHECK(table.restart(*counter));
  CHECK(counter->left == 200);
  CHECK_FALSE(table.restart(*counter)); // another thread had the same idea
  CHECK(table.notice(*counter));
  CHECK(counter->state == State::Queued);
  counter->left = -1;
  CHECK(table.restart(*counter));
  CHECK_FALSE(table.notice(*counter)); // it is in the queue
  counter->state = State::Hot;
  counter->left = -1;
  CHECK(table.restart(*counter));
  CHECK(counter->left == 800);
  CHECK(table.notice(*counter)); // an activation of the old code is left
  counter->times = 1000;
  counter->left = -1;
  CHECK(table.restart(*counter));
  CHECK(counter->left > 1'000'000); // and does not overflow
}

TEST_CASE("A budget grows with the body, and no further than a counter reaches") {
  const BudgetPolicy policy(100);
  Counters counters;
  HeatTable table(policy, counters.allocate());
  HeatCounter *small = table.counter_of(body(0), 7, true), *huge = table.counter_of(body(1), 1'000'000'000, true);
  CHECK(small->counts_work);
  CHECK(small->left == 700);
  CHECK(huge->left == std::numeric_limits<std::int32_t>::max());
  for (HeatCounter *counter : {small, huge}) {
    counter->left = -1;
    CHECK(table.restart(*counter));
    CHECK(table.notice(*counter));
  }
  CHECK(small->left == 1400);
  CHECK(huge->left == std::numeric_limits<std::int32_t>::max());

  small->state = State::Hot;
  table.notice_anew(0);
  CHECK(small->left == 700);
  CHECK(small->state == State::Cold);
  const CountingPolicy rounds(100);
  HeatTable counting(rounds, counters.allocate());
  CHECK_FALSE(counting.counter_of(body(0), 7, true)->counts_work);
}

TEST_CASE("What may not be optimised does not count") {
  CountingPolicy policy(100);
  Counters counters;
  HeatTable table(policy, counters.allocate());
  CHECK_FALSE(table.counter_of(body(0), 7, false));
  REQUIRE(table.find(0));
  CHECK_FALSE(table.notice(*table.find(0)));
}

TEST_CASE("The counter of a body has the same address for ever") {
  CountingPolicy policy(100);
  Counters counters;
  HeatTable table(policy, counters.allocate());
  HeatCounter *counter = table.counter_of(body(0), 7, true);
  for (FunctionId id = 1; id < 1000; ++id)
    table.counter_of(body(id), 7, true);
  CHECK(table.counter_of(body(0), 7, true) == counter);
  counter->state = State::Queued;
  table.forget_queued();
  CHECK(counter->state == State::Cold);
}

TEST_CASE("A sampler's function is wanted when it was seen often enough, and later if it is seen again and again") {
  SamplingPolicy policy(std::chrono::milliseconds(1), 3);
  Counters counters;
  HeatTable table(policy, counters.allocate());
  CHECK_FALSE(table.counter_of(body(0), 7, true)); // code does not count
  HeatCounter &seen = *table.find(0);
  CHECK_FALSE(table.notice(seen));
  CHECK_FALSE(table.notice(seen));
  CHECK(table.notice(seen));
  seen.state = State::Hot;
  CHECK(table.notice(seen)); // the fourth time
  seen.state = State::Hot;
  for (int i = 5; i < 8; ++i)
    CHECK_FALSE(table.notice(seen));
  CHECK(table.notice(seen));
}

TEST_CASE("With another threshold, what was counted so far counts") {
  const CountingPolicy policy(1000);
  Counters counters;
  HeatTable table(policy, counters.allocate());
  HeatCounter *fresh = table.counter_of(body(0), 7, true), *noticed = table.counter_of(body(1), 7, true),
              *running_out = table.counter_of(body(2), 7, true);
  fresh->left = 700; // 300 rounds
  noticed->left = -1;
  REQUIRE(table.restart(*noticed));
  REQUIRE(table.notice(*noticed));
  noticed->left = 1900; // 100 of 2000
  running_out->left = -1;
  CHECK(table.threshold() == 1000);
  REQUIRE(table.set_threshold(5000));
  CHECK(table.threshold() == 5000);
  CHECK(fresh->left == 4700);
  CHECK(noticed->left == 9900);
  CHECK(running_out->left == -1);
  CHECK(table.restart(*running_out));
  CHECK(running_out->left == 10'000);
  REQUIRE(table.set_threshold(200));
  CHECK(fresh->left == 0); // the next round is one too many
  CHECK(noticed->left == 300);
  CHECK(table.counter_of(body(3), 7, true)->left == 200);
  table.find(1)->state = State::Hot;
  table.notice_anew(1);
  CHECK(noticed->left == 200);
}

TEST_CASE("Another threshold of a budget is not lost where the first one was out of reach") {
  const BudgetPolicy policy(std::numeric_limits<std::int32_t>::max());
  Counters counters;
  HeatTable table(policy, counters.allocate());
  HeatCounter *counter = table.counter_of(body(0), 7, true);
  counter->left = counter->left - 5;
  REQUIRE(table.set_threshold(100));
  CHECK(counter->left == 695);
}

TEST_CASE("A sampler's function is wanted by another threshold") {
  const SamplingPolicy policy(std::chrono::milliseconds(1), 1000);
  Counters counters;
  HeatTable table(policy, counters.allocate());
  CHECK_FALSE(table.counter_of(body(0), 7, true));
  HeatCounter &seen = *table.find(0);
  CHECK_FALSE(table.notice(seen));
  REQUIRE(table.set_threshold(3));
  CHECK_FALSE(table.notice(seen));
  CHECK(table.notice(seen));
}

TEST_CASE("A policy may have no threshold") {
  struct Never : TierPolicy {
    bool wants(Heat) const override { return false; }
  };
  const Never policy;
  Counters counters;
  HeatTable table(policy, counters.allocate());
  CHECK_FALSE(table.threshold());
  CHECK_FALSE(table.set_threshold(7));
}

TEST_CASE("Without room for a counter a body does not count") {
  const CountingPolicy policy(100);
  HeatTable table(policy, [](std::size_t, std::size_t) { return nullptr; });
  CHECK_FALSE(table.counter_of(body(0), 7, true));
  CHECK_FALSE(table.find(0));
}
