// When compiling for an activation that is always somewhere else ends, for how long, and who waits instead.
#include "heat_counters.h"
#include "runtime/tiering/chase_limit.h"
#include "runtime/tiering/tier_up.h"

#include "test/support/catch_header.h"

#include <future>

using namespace osr;
using namespace std::chrono_literals;

namespace {

/// A counter that runs out, and the threads that compile for it.
struct Noticed {
  explicit Noticed(bool may_compile_in_calls) {
    FunctionInfo body;
    body.numbered_sites.emplace();
    body.id = 0;
    counter = tier_up.counter_of(body, /*instructions=*/1, true);
    tier_up.start(may_compile_in_calls);
  }

  struct Work {
    TierUp::Where where;
    std::thread::id thread;
  };
  Work run_out(NoticedBy by) {
    done = {};
    counter->left = -1;
    tier_up.on_counter(*counter, by);
    Work work = done.get_future().get();
    while (counter->state == HeatCounter::State::Queued)
      std::this_thread::yield();
    return work;
  }

  std::promise<Work> done;
  Counters counters;
  TierUp tier_up{{.policy = std::make_shared<CountingPolicy>()},
                 counters.allocate(),
                 [this](FunctionId, NoticedBy, bool, TierUp::Where where) -> TierUp::Outcome {
                   done.set_value({where, std::this_thread::get_id()});
                   return TierUp::NotDone::ForNow;
                 }};
  HeatCounter *counter = nullptr;
};

} // namespace

TEST_CASE("Who is to wait for its continuation compiles it in its own thread, once, and only in a loop") {
  Noticed noticed(/*may_compile_in_calls=*/true);
  const auto self = std::this_thread::get_id();
  CHECK(noticed.run_out(NoticedBy::Loop).thread != self);
  noticed.tier_up.let_wait(0);
  CHECK(noticed.run_out(NoticedBy::Entry).where == TierUp::Where::CompileThread);
  const Noticed::Work waited = noticed.run_out(NoticedBy::Loop);
  CHECK(waited.where == TierUp::Where::NoticedThread);
  CHECK(waited.thread == self);
  CHECK(noticed.run_out(NoticedBy::Loop).where == TierUp::Where::CompileThread);
}

TEST_CASE("Nobody waits where threads of the program may not compile") {
  Noticed noticed(/*may_compile_in_calls=*/false);
  noticed.tier_up.let_wait(0);
  CHECK(noticed.run_out(NoticedBy::Loop).where == TierUp::Where::CompileThread);
}

TEST_CASE("A chase goes on while its continuations are cheap") {
  CHECK(ChaseLimit::may_go_on(0ms));
  CHECK(ChaseLimit::may_go_on(10ms));
  CHECK_FALSE(ChaseLimit::may_go_on(2s));
}

TEST_CASE("A body whose activation was not caught rests for longer than the chase took, and others do not") {
  ChaseLimit limit;
  const ChaseLimit::Clock::time_point begin{};
  CHECK_FALSE(limit.rests(1, begin));
  limit.gave_up(1, 3s, begin);
  CHECK(limit.gave_up_on(1));
  CHECK_FALSE(limit.gave_up_on(2));
  CHECK(limit.rests(1, begin));
  CHECK(limit.rests(1, begin + 11s));
  CHECK_FALSE(limit.rests(1, begin + 12s));
  CHECK_FALSE(limit.rests(2, begin));
  limit.gave_up(1, 1s, begin + 20s);
  CHECK(limit.rests(1, begin + 23s));
  CHECK_FALSE(limit.rests(1, begin + 24s));
}
