// Checks that functions tier up by themselves: by whom they are noticed, what their calls enter, and that activations follow.
#include "live_program.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;

namespace {

/// leaf: called often. spins: a loop without calls, which polls. drives: a loop with calls. rest: never wanted by the policy.
constexpr const char *text = R"(
define i64 @leaf(i64 %x) noinline {
  %y = mul i64 %x, 3
  %z = call i64 @host(i64 %y)
  ret i64 %z
}
define i64 @rest(i64 %x) noinline {
  %z = call i64 @host(i64 %x)
  ret i64 %z
}
define i64 @spins(i64 %rounds) noinline {
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %inext, %loop ]
  %sum = phi i64 [ 0, %0 ], [ %more, %loop ]
  %inext = add i64 %i, 1
  %more = add i64 %sum, %i
  store volatile i64 %inext, ptr @progress
  %seen = load volatile i64, ptr @progress
  %go = icmp ne i64 %seen, %rounds
  br i1 %go, label %loop, label %done
done:
  ret i64 %more
}
define i64 @inner(i64 %x) noinline {
  %y = add i64 %x, 1
  store volatile i64 %y, ptr @progress
  ret i64 %y
}
define i64 @drives(i64 %rounds) noinline {
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %inext, %loop ]
  %inext = call i64 @inner(i64 %i)
  %go = icmp ne i64 %inext, %rounds
  br i1 %go, label %loop, label %done
done:
  %last = call i64 @host(i64 %inext)
  ret i64 %last
}
@progress = global i64 0
)";

constexpr std::int32_t embedders_threshold = 10;

class EmbeddersPolicy final : public CountingPolicy {
public:
  EmbeddersPolicy() : CountingPolicy(embedders_threshold) {}
  std::optional<std::int32_t> first_count(const FunctionSummary &function) const override {
    return function.name == "rest" ? std::nullopt : CountingPolicy::first_count(function);
  }
};

LiveProgram &program() {
  static auto *live = new LiveProgram(text, {.tier_up = {.policy = std::make_shared<EmbeddersPolicy>(),
                                                         .compile_threads = 0}}); // its thread never ends
  return *live;
}

bool is_optimized(const std::string &name) {
  Engine &engine = program().runtime().engine();
  for (const Version *version :
       engine.versions().versions_of(engine.program().find_function(name)->id, Tier::Optimized))
    if (!version->object.continuation_site)
      return true;
  return false;
}

Statistics::TierUp counted() { return program().runtime().snapshot()->tier_up; }

} // namespace

TEST_CASE("A function is optimised by the entry with which its counter runs out, and calls enter the new code") {
  program().inside([] {
    program().on_host = [](std::uint64_t argument) { return argument + 1; };
    for (std::int32_t i = 0; i < embedders_threshold; ++i) {
      CHECK(program().call("leaf", 5) == 16);
      CHECK_FALSE(is_optimized("leaf"));
    }
    const Statistics::TierUp before = counted();
    std::string inside;
    program().on_host = [&](std::uint64_t argument) {
      inside = program().stack();
      return argument;
    };
    CHECK(program().call("leaf", 5) == 15);
    CHECK(is_optimized("leaf"));
    CHECK(inside.starts_with("B")); // it was executing in its own code: it ends there
    CHECK(program().call("leaf", 6) == 18);
    CHECK(inside.starts_with("O"));
    CHECK(counted().by_entry == before.by_entry + 1);
  });
}

TEST_CASE("What the policy does not let count stays") {
  program().inside([] {
    for (std::int32_t i = 0; i < 10 * embedders_threshold; ++i)
      program().call("rest", 5);
    CHECK_FALSE(is_optimized("rest"));
  });
}

TEST_CASE("An activation in a loop without calls goes on in optimised code in the middle of its loop") {
  program().inside([] {
    const Statistics::TierUp before = counted();
    CHECK(program().call("spins", 1000) == 499'500);
    const Statistics::TierUp after = counted();
    CHECK(after.by_loop == before.by_loop + 1);
    CHECK(after.moved == before.moved + 1);
    CHECK(after.at_polls == before.at_polls + 1);
    CHECK_FALSE(is_optimized("spins")); // nobody in the program calls it
    program().call("spins", 1000); // the counter runs out again: so somebody does
    CHECK(is_optimized("spins"));
  });
}

TEST_CASE("An activation in a loop with calls follows, in the middle of its loop") {
  program().inside([] {
    std::string at_the_end;
    program().on_host = [&](std::uint64_t argument) {
      at_the_end = program().stack();
      return argument;
    };
    CHECK(program().call("drives", 1000) == 1000);
    CHECK(at_the_end.starts_with("C"));
    CHECK(is_optimized("inner"));
  });
}

TEST_CASE("A redefined function counts anew") {
  program().inside([] {
    while (!is_optimized("leaf"))
      program().call("leaf", 5);
    auto source = cantFail(program().runtime().source_of("leaf"));
    cantFail(program().runtime().redefine("leaf", source->getMemBufferRef(), {.to = Tier::Baseline}));
    CHECK_FALSE(is_optimized("leaf"));
    for (std::int32_t i = 0; i <= embedders_threshold; ++i)
      CHECK(program().call("leaf", 5) == 15);
    CHECK(is_optimized("leaf"));
  });
}
