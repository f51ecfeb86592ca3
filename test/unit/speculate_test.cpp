// Checks what becomes of canonical code when a profile says what always happened.
#include "compiler/canonical/exit_calls.h"
#include "compiler/tiers/speculate.h"
#include "sites_fixture.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr std::uint32_t enough = 10;

constexpr const char *guessed_calls = R"(
  declare void @ext()
  define i64 @twice(i64 %x) {
    %r = mul i64 %x, 2
    ret i64 %r
  }
  define i64 @thrice(i64 %x) {
    %r = mul i64 %x, 3
    ret i64 %r
  }
  define i64 @apart(i64 %x) noinline {
    ret i64 %x
  }
  define i64 @two_arguments(i64 %x, i64 %y) {
    ret i64 %y
  }
  define i64 @calls(ptr %p, i64 %x) {
    %r = call i64 %p(i64 %x)
    ret i64 %r
  }
  define i64 @branches(i1 %c, i64 %x) {
    br i1 %c, label %rare, label %join
  rare:
    call void @ext()
    br label %join
  join:
    %r = phi i64 [ 1, %0 ], [ %x, %rare ]
    ret i64 %r
  }
)";

/// Numbers that stand for the addresses of functions.
enum Address : std::uint64_t { twice = 1, thrice, apart, two_arguments, stranger };

class Speculated {
public:
  Speculated() : program(fixture.canonical(guessed_calls)), profile(enough) {
    insert_profile_points(program);
    number_sites(program, fixture.machine());
    profile.find_functions_by([this](std::uint64_t address) -> const Function * {
      const char *names[] = {"", "twice", "thrice", "apart", "two_arguments"};
      return address < std::size(names) ? &function(names[address]) : nullptr;
    });
  }

  Function &function(StringRef name) { return *program.module->getFunction(name); }
  ProfilePoint &point(StringRef name) {
    return *reinterpret_cast<ProfilePoint *>(profile.points_of(*program.find_function(name)));
  }
  Speculations speculate() {
    const Speculations made = osr::speculate(*program.module, {&assumptions, &profile, &calls});
    assume_guards(*program.module, program, &assumptions);
    require_valid(*program.module);
    for (const char *name : {"calls", "branches"})
      for (const char *left : {profile_branch, profile_target})
        CHECK(calls_of(function(name), left).empty());
    return made;
  }
  SiteId guard(StringRef name) {
    for (const Site &site : program.find_function(name)->sites())
      if (is_guard_site(site))
        return site.id;
    FAIL("no guard");
    return {};
  }

  CanonicalFixture fixture;
  CanonicalProgram program;
  Profile profile;
  Assumptions assumptions;
  SpeculativeCalls calls;
};

std::size_t exits(Function &function) {
  std::size_t count = 0;
  for (IntrinsicInst *call : all<IntrinsicInst>(function))
    count += call->getIntrinsicID() == Intrinsic::experimental_deoptimize;
  return count;
}

std::size_t calls_by_pointer(Function &function) {
  return count_if(all<CallBase>(function), [](const CallBase *call) { return call->isIndirectCall(); });
}

} // namespace

TEST_CASE("Check that without enough executions nothing is guessed", "[speculate]") {
  Speculated speculated;
  speculated.point("calls") = {{twice}, {enough - 1}, enough - 1};
  speculated.point("branches").counts[0] = enough - 1;
  const Speculations made = speculated.speculate();
  CHECK(made.branches + made.single_calls + made.tested_calls == 0);
  for (const char *name : {"calls", "branches"})
    CHECK(exits(speculated.function(name)) == 0);
  CHECK(calls_by_pointer(speculated.function("calls")) == 1);
  CHECK(calls_of(speculated.function("calls"), guard_failed_callee).empty());
}

TEST_CASE("Check that a side that was never taken leaves", "[speculate]") {
  Speculated speculated;
  speculated.point("branches").counts[0] = enough;
  CHECK(speculated.speculate().branches == 1);
  Function &function = speculated.function("branches");
  CHECK(exits(function) == 1);
  CHECK(calls_of(function, guard_failed_callee).empty());
  speculated.fixture.optimize(*speculated.program.module);
  CHECK(calls_of(function, "ext").empty());
}

TEST_CASE("Check that the other side, which has no site, is never given up", "[speculate]") {
  Speculated speculated;
  speculated.point("branches").counts[1] = 1000;
  CHECK(speculated.speculate().branches == 0);
  CHECK(exits(speculated.function("branches")) == 0);
}

TEST_CASE("Check that a side that was taken once is not given up, nor one whose guess has failed", "[speculate]") {
  Speculated speculated;
  speculated.point("branches").counts[0] = 1000;
  SECTION("taken once") { speculated.point("branches").counts[1] = 1; }
  SECTION("failed") { speculated.assumptions.drop(speculated.guard("branches")); }
  CHECK(speculated.speculate().branches == 0);
  CHECK(exits(speculated.function("branches")) == 0);
  CHECK(calls_of(speculated.function("branches"), "ext").size() == 1);
}

TEST_CASE("Check that a call with one target calls it and leaves if it is another", "[speculate]") {
  Speculated speculated;
  speculated.point("calls") = {{twice}, {enough}, enough};
  const Speculations made = speculated.speculate();
  CHECK(made.single_calls == 1);
  CHECK(made.tested_calls == 0);
  Function &function = speculated.function("calls");
  CHECK(calls_by_pointer(function) == 0);
  CHECK(exits(function) == 1);
  REQUIRE(calls_of(function, "twice").size() == 1);
  CHECK(speculated.calls == SpeculativeCalls{{function_id(speculated.function("twice")), {function_id(function)}}});

  const InlinedTargets targets(function, speculated.program);
  CHECK(targets.count(function, speculated.program) == 0);
  speculated.fixture.optimize(*speculated.program.module);
  CHECK(calls_of(function, "twice").empty());
  CHECK(targets.count(function, speculated.program) == 1);
}

TEST_CASE("Check that a call with several targets asks for the frequent ones, and calls the others by pointer",
          "[speculate]") {
  Speculated speculated;
  SECTION("two frequent ones and a rare one") {
    speculated.point("calls") = {{twice, apart, thrice}, {60, 1, 39}, 100};
  }
  SECTION("one, and the guess that there is no other has failed") {
    speculated.point("calls") = {{twice, thrice}, {60, 40}, 100};
    speculated.assumptions.drop(speculated.guard("calls"));
  }
  const Speculations made = speculated.speculate();
  CHECK(made.single_calls == 0);
  CHECK(made.tested_calls == 1);
  Function &function = speculated.function("calls");
  CHECK(calls_of(function, "twice").size() == 1);
  CHECK(calls_of(function, "thrice").size() == 1);
  CHECK(calls_of(function, "apart").empty());
  CHECK(calls_by_pointer(function) == 1);
  CHECK(exits(function) == 0);
}

TEST_CASE("Check that many targets, strangers and what cannot be inlined or called so stay calls by pointer",
          "[speculate]") {
  Speculated speculated;
  SECTION("many") { speculated.point("calls") = {{twice, thrice, apart}, {10, 10, 10}, 200}; }
  SECTION("none of the program's") { speculated.point("calls") = {{stranger}, {100}, 100}; }
  SECTION("not to be inlined") { speculated.point("calls") = {{apart}, {100}, 100}; }
  SECTION("another type") { speculated.point("calls") = {{two_arguments}, {100}, 100}; }
  const Speculations made = speculated.speculate();
  CHECK(made.single_calls + made.tested_calls == 0);
  CHECK(calls_by_pointer(speculated.function("calls")) == 1);
  CHECK(exits(speculated.function("calls")) == 0);
  CHECK(speculated.calls.empty());
}

TEST_CASE("Check that counting begins anew when it is asked to", "[speculate]") {
  Speculated speculated;
  speculated.point("calls") = {{twice}, {enough}, enough};
  speculated.profile.restart(speculated.program.find_function("calls")->id);
  CHECK(speculated.point("calls").total == 0);
  CHECK(speculated.speculate().single_calls == 0);
}
