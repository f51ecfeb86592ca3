// Checks which requests are made again for activations that could not come along.
#include "osr_fixture.h"

#include "runtime/requests/follow_ups.h"
#include "test/support/catch_header.h"

using namespace osr;

namespace {

struct Code {
  explicit Code(CodeObjectId id) { object.id = id; }
  CodeObject object;
};

RequestOutcome outcome_with(std::uint64_t running, std::uint64_t may_land_in_old) {
  RequestOutcome outcome;
  outcome.running = running;
  outcome.may_land_in_old = may_land_in_old;
  return outcome;
}

} // namespace

TEST_CASE("A request is made again for activations that ran, and for others when an exception has landed") {
  const Code code(7);
  Replacement what;
  what.objects = {&code.object};
  FollowUps none, ran, lands;
  none.remember(what, outcome_with(0, 0));
  ran.remember(what, outcome_with(1, 0));
  lands.remember(what, outcome_with(0, 1));
  CHECK_FALSE(none.are_due());
  CHECK(ran.are_due());
  CHECK_FALSE(lands.are_due());
  lands.on_landing();
  CHECK(lands.are_due());
}

TEST_CASE("Who brings a budget of continuations asks again without help") {
  const Code code(7);
  ContinuationBudget budget;
  Replacement what;
  what.objects = {&code.object};
  what.effort.budget = &budget;
  FollowUps requests;
  requests.remember(what, outcome_with(1, 1));
  CHECK_FALSE(requests.are_due());
}

TEST_CASE("A newer request decides about code that it names, and about no other") {
  const Code first(7), second(8);
  Replacement both, newer, opposite;
  both.objects = {&first.object, &second.object};
  newer.objects = {&first.object};
  opposite.stays = {&second.object}; // leads to it
  FollowUps requests;
  requests.remember(both, outcome_with(1, 0));
  requests.forget(newer);
  CHECK(requests.are_due());
  requests.forget(opposite);
  CHECK_FALSE(requests.are_due());
}

TEST_CASE("Who is in a call that is no site may come to one; who has no room where he is will have none") {
  OsrProgram program("define void @f() {\n  ret void\n}\n");
  Replacement what;
  what.objects = {&program.version("f", Tier::Baseline).object};
  for (const RefusalKind why : {RefusalKind::NoRecord, RefusalKind::NoRoom}) {
    FollowUps requests;
    requests.remember(what, outcome_with(1, 0));
    requests.follow(program.engine().versions(), [&](const Replacement &again) -> llvm::Expected<RequestOutcome> {
      CHECK(again.objects == what.objects);
      RequestOutcome outcome;
      outcome.refuse({why}, 1);
      CHECK(outcome.refused == std::map<std::string, std::uint64_t>{{describe(why), 1}});
      return outcome;
    });
    CHECK(requests.are_due() == (why == RefusalKind::NoRecord));
  }
}
