// Checks the classic way to know when code can be freed: each version counts its activations.
#include "live_program.h"
#include "test/support/catch_header.h"

#include <csetjmp>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

namespace {

/// count(n) calls itself n times and the host at the end.
constexpr const char *text = R"(
define i64 @count(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @count(i64 %next)
  %result = add i64 %below, 1
  ret i64 %result
end:
  %zero = call i64 @host(i64 0)
  ret i64 %zero
}
)";

LiveProgram &program() {
  static auto *live = new LiveProgram(text, {.freeing = Freeing::ResidenceCounting}); // its thread never ends
  return *live;
}

std::uint64_t residents(Tier tier) {
  const FunctionId function = program().runtime().engine().program().find_function("count")->id;
  std::uint64_t sum = 0;
  for (const Version *version : program().runtime().engine().versions().versions_of(function, tier))
    sum += version->residents->load();
  return sum;
}

Expected<ReplaceOutcome> finish_old(Tier to) {
  return program().runtime().replace("count", {.to = to, .frames = Frames::FinishOld});
}

Statistics::Freed freed() { return program().runtime().snapshot()->freed; }

void at_the_end(std::function<void()> act) {
  program().on_host = [act = std::move(act)](std::uint64_t argument) {
    program().on_host = nullptr;
    act();
    return argument;
  };
}

} // namespace

TEST_CASE("Each version knows how many activations it has") {
  program().inside([] {
    for (Tier tier : {Tier::Baseline, Tier::Optimized}) {
      cantFail(finish_old(tier));
      at_the_end([&] { CHECK(residents(tier) == 11); });
      CHECK(program().call("count", 10) == 10);
      CHECK(residents(tier) == 0);
    }
  });
}

TEST_CASE("Code is freed when its last activation has returned, and no thread is stopped before") {
  program().inside([] {
    cantFail(finish_old(Tier::Optimized));
    program().runtime().reclaim();
    const auto before = freed();
    at_the_end([&] {
      cantFail(finish_old(Tier::Baseline));
      const std::uint64_t scans = freed().scans;
      CHECK(program().runtime().reclaim());
      CHECK(freed().objects == before.objects);
      CHECK(freed().scans <= scans + 1); // the one that is made once in a while
    });
    CHECK(program().call("count", 10) == 10);
    CHECK_FALSE(program().runtime().reclaim());
    CHECK(freed().objects == before.objects + 1);
  });
}

TEST_CASE("Activations that end by longjmp do not keep the code for ever") {
  program().inside([] {
    cantFail(finish_old(Tier::Optimized));
    program().runtime().reclaim();
    const auto before = freed();
    static jmp_buf point;
    if (setjmp(point) == 0) {
      at_the_end([] { longjmp(point, 1); });
      program().call("count", 10);
    }
    CHECK(residents(Tier::Optimized) == 11);
    cantFail(finish_old(Tier::Baseline));
    while (program().runtime().reclaim()) // the stacks are looked at in spite of the count, after a while
      std::this_thread::yield();
    CHECK(freed().objects == before.objects + 1);
  });
}

TEST_CASE("Requests that would rewrite frames are refused") {
  auto replaced = program().runtime().replace("count", {.to = Tier::Baseline});
  REQUIRE_FALSE(bool(replaced));
  CHECK_THAT(toString(replaced.takeError()), Contains("its activations are counted") && Contains("FinishOld"));
  auto redefined = program().runtime().redefine("count", MemoryBufferRef("", "empty"));
  REQUIRE_FALSE(bool(redefined));
  CHECK_THAT(toString(redefined.takeError()), Contains("activations are counted"));
}
