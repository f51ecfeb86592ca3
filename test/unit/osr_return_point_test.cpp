// Checks return-point patching: what a patched site does to the activations that return to it, and when it is refused.
#include "osr_fixture.h"

#include "compiler/target/return_point.h"
#include "test/support/catch_header.h"

#include <cstring>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

namespace {

/// down(n) calls itself n times; each activation adds to what the newer one returned.
constexpr const char *recursion_text = R"(
  declare i64 @ext(i64)
  define i64 @down(i64 %n) {
    %last = icmp eq i64 %n, 0
    br i1 %last, label %end, label %more
  more:
    %m = sub i64 %n, 1
    %below = call i64 @down(i64 %m)
    %scaled = mul i64 %below, 3
    %r = add i64 %scaled, %n
    ret i64 %r
  end:
    %e = call i64 @ext(i64 %n)
    ret i64 %e
  })";

std::uint64_t down(std::uint64_t n, std::uint64_t end) { return n == 0 ? end : down(n - 1, end) * 3 + n; }

constexpr const char *inlined_text = R"(
  declare i64 @ext(i64)
  define i64 @inner(i64 %x) {
    %r = call i64 @ext(i64 %x)
    %s = add i64 %r, %x
    ret i64 %s
  }
  define i64 @outer(i64 %x) {
    %r = call i64 @inner(i64 %x)
    %s = mul i64 %r, %x
    ret i64 %s
  })";

bool has_nop(std::uint64_t pc) {
  return std::memcmp(reinterpret_cast<const void *>(pc), return_point_nop.data(), return_point_nop.size()) == 0;
}

} // namespace

TEST_CASE("Check that one patch replaces all activations at a site, and later ones until it is restored",
          "[return-point]") {
  constexpr std::uint64_t depth = 10;
  for (Tier from : {Tier::Baseline, Tier::Optimized}) {
    OsrProgram program(recursion_text, StubKind::Generated, Mechanism::ReturnPoint);
    program.use("down", from);
    Landing landing = from == Tier::Baseline ? Landing::Continuation : Landing::InPlace;
    const Statistics::Transitions &done = program.statistics().transitions;
    const std::uint64_t &transitions = landing == Landing::InPlace ? done.in_place : done.continuation;
    std::uint64_t site = 0;
    program.on_ext = [&](std::uint64_t) {
      std::vector<Frame> stack = program.stack();
      REQUIRE(stack.size() == depth + 1);
      site = stack.at(1).pc;
      CHECK(has_nop(site));
      program.replace(1, landing); // the activation that called the newest one
      for (const Frame &frame : program.stack()) {
        CHECK(frame.stub_pc == 0); // return PCs are as they were
        CHECK((program.stub_of(frame) != 0) == (frame.pc == site));
      }
      return std::uint64_t(7);
    };
    CHECK(program.run("down", depth) == down(depth, 7));
    CHECK(transitions == depth);
    CHECK(program.return_points().size() == 1);

    program.on_ext = [](std::uint64_t) { return std::uint64_t(9); };
    CHECK(program.run("down", depth) == down(depth, 9)); // the patch is still there
    CHECK(transitions == 2 * depth);

    program.restore();
    CHECK(has_nop(site));
    CHECK(program.return_points().size() == 0);
    CHECK(program.run("down", depth) == down(depth, 9));
    CHECK(transitions == 2 * depth);
  }
}

TEST_CASE("Check that a site is restored while activations wait there, and patched again", "[return-point]") {
  OsrProgram program(recursion_text, StubKind::Generated, Mechanism::ReturnPoint);
  program.use("down", Tier::Optimized);
  bool again = false;
  program.on_ext = [&](std::uint64_t) {
    program.replace(1, Landing::InPlace);
    program.restore();
    if (again)
      program.replace(1, Landing::Continuation);
    return std::uint64_t(5);
  };
  CHECK(program.run("down", 4) == down(4, 5));
  CHECK(program.statistics().transitions.in_place == 0);
  again = true;
  CHECK(program.run("down", 4) == down(4, 5));
  CHECK(program.statistics().transitions.in_place == 0);
  CHECK(program.statistics().transitions.continuation == 4);
  CHECK(program.return_points().patches() == 3);
  CHECK(program.return_points().restored() == 2);
}

TEST_CASE("Check that a frame lands in baseline code whose own site is patched", "[return-point]") {
  OsrProgram program(recursion_text, StubKind::Generated, Mechanism::ReturnPoint);
  for (Tier tier : {Tier::Baseline, Tier::Optimized}) {
    program.use("down", tier);
    program.on_ext = [&](std::uint64_t) {
      program.replace(1, tier == Tier::Baseline ? Landing::Continuation : Landing::InPlace);
      return std::uint64_t(1);
    };
    CHECK(program.run("down", 6) == down(6, 1));
  }
  CHECK(program.return_points().size() == 2);
  CHECK(program.statistics().transitions.continuation == 6);
  CHECK(program.statistics().transitions.in_place == 6); // and not on by the patch to a continuation
}

TEST_CASE("Check that frames are split by patched sites, but never under a shadow stack", "[return-point]") {
  OsrProgram free(inlined_text, StubKind::Generated, Mechanism::ReturnPoint);
  free.use("outer", Tier::Optimized);
  free.on_ext = [&](std::uint64_t) {
    if (free.return_points().size() == 0)
      free.replace(0, Landing::InPlace);
    return std::uint64_t(3);
  };
  CHECK(free.run("outer", 5) == (3 + 5) * 5);
  CHECK(free.statistics().transitions.split == 1);
}

TEST_CASE("Check that a split is refused under a shadow stack, with the reason, and other frames are not",
          "[return-point]") {
  OsrProgram program(inlined_text, StubKind::Generated, Mechanism::ReturnPoint, /*shadow_stack=*/true);
  for (Tier tier : {Tier::Optimized, Tier::Baseline}) {
    program.use("outer", tier);
    program.use("inner", tier);
    for (Landing landing : {Landing::InPlace, Landing::Continuation}) {
      program.on_ext = [&](std::uint64_t) {
        auto stub = program.make_stub(program.stack().at(0).pc, landing);
        CHECK(bool(stub) == (tier == Tier::Baseline));
        if (!stub)
          CHECK(refusal_of(stub.takeError()).kind == RefusalKind::Split);
        return std::uint64_t(3);
      };
      CHECK(program.run("outer", 5) == (3 + 5) * 5);
    }
  }
}

TEST_CASE("Check that a frame which grows by more than a page is refused at a site, and not for one activation",
          "[return-point]") {
  std::string text = "declare i64 @ext(i64)\ndefine i64 @wide(i64 %x) {\n";
  constexpr unsigned values = 700; // slots in the baseline frame; recipes from one register in the optimised one
  for (unsigned i = 0; i < values; ++i)
    text += "  %v" + std::to_string(i) + " = mul i64 %x, " + std::to_string(2 * i + 3) + "\n";
  text += "  %r = call i64 @ext(i64 %x)\n  %s0 = xor i64 %r, %x\n";
  for (unsigned i = 0; i < values; ++i)
    text += "  %s" + std::to_string(i + 1) + " = add i64 %s" + std::to_string(i) + ", %v" + std::to_string(i) + "\n";
  text += "  ret i64 %s" + std::to_string(values) + "\n}\n";
  for (Mechanism mechanism : {Mechanism::ReturnPc, Mechanism::ReturnPoint}) {
    OsrProgram program(text, StubKind::Generated, mechanism);
    program.use("wide", Tier::Optimized);
    program.on_ext = [&](std::uint64_t) {
      auto stub = program.make_stub(program.stack().at(0).pc, Landing::InPlace);
      CHECK(bool(stub) == (mechanism == Mechanism::ReturnPc));
      if (!stub)
        CHECK(refusal_of(stub.takeError()).kind == RefusalKind::Growth);
      return std::uint64_t(1);
    };
    program.run("wide", 1);
  }
}
