// Checks transitions of frames that stand for several activations, because calls were inlined.
#include "osr_fixture.h"

#include "test/support/catch_header.h"

using namespace osr;

namespace {

constexpr const char *chain_text = R"(
  declare i64 @ext(i64)
  define i64 @inner(i64 %x, i64 %y) {
    %a = mul i64 %x, 3
    %first = call i64 @ext(i64 1)
    %b = add i64 %a, %first
    %second = call i64 @ext(i64 2)
    %c = mul i64 %b, %second
    %d = xor i64 %c, %y
    ret i64 %d
  }
  define i64 @middle(i64 %x) {
    %square = mul i64 %x, %x
    %r = call i64 @inner(i64 %x, i64 %square)
    %s = add i64 %r, %square
    ret i64 %s
  }
  define i64 @outer(i64 %x) {
    %k = xor i64 %x, 255
    %r = call i64 @middle(i64 %k)
    %s = mul i64 %r, %k
    %t = sub i64 %s, %x
    ret i64 %t
  })";

std::uint64_t split_result(std::uint64_t number) { return number * 777 + 1; }

std::uint64_t outer(std::uint64_t x) {
  std::uint64_t k = x ^ 255, square = k * k;
  std::uint64_t inner = ((k * 3 + split_result(1)) * split_result(2)) ^ square;
  return (inner + square) * k - x;
}

} // namespace

TEST_CASE("Check that one optimised frame becomes three, each in its own function", "[split]") {
  OsrProgram program(chain_text);
  program.use("outer", Tier::Optimized);
  for (Landing landing : {Landing::InPlace, Landing::Continuation}) {
    program.on_ext = [&](std::uint64_t number) {
      std::vector<Frame> stack = program.stack();
      if (number == 1) {
        CHECK(stack.size() == 1);
        program.replace(0, landing);
      } else {
        CHECK(stack.size() == 3);
        stack.resize(3);
        for (const Frame &frame : stack)
          if (!frame.code)
            return split_result(number);
        Tier innermost = landing == Landing::InPlace ? Tier::Baseline : Tier::Optimized;
        CHECK(stack[0].code->function == program.id("inner"));
        CHECK(stack[0].code->tier == innermost);
        CHECK(stack[0].code->continuation_site.has_value() == (landing == Landing::Continuation));
        CHECK(stack[1].code->version() == VersionKey{program.id("middle"), Tier::Baseline, {}});
        CHECK(stack[2].code->version() == VersionKey{program.id("outer"), Tier::Baseline, {}});
      }
      return split_result(number);
    };
    CHECK(program.run("outer", 1000) == outer(1000));
  }
  CHECK(program.statistics().transitions.split == 2);
  CHECK(program.statistics().transitions.in_place == 1);
  CHECK(program.statistics().transitions.continuation == 1);
}

TEST_CASE("Check that the frames of a split can be replaced again, in every combination", "[split]") {
  const std::array<std::optional<Landing>, 3> choices = {std::nullopt, Landing::InPlace, Landing::Continuation};
  for (StubKind kind : {StubKind::Generated, StubKind::Interpreted}) {
    OsrProgram program(chain_text, kind);
    program.use("outer", Tier::Optimized);
    for (Landing landing : {Landing::InPlace, Landing::Continuation})
      for (unsigned moves = 0; moves < 27; ++moves) {
        INFO("moves " << moves);
        program.on_ext = [&](std::uint64_t number) {
          if (number == 1)
            program.replace(0, landing);
          else
            for (unsigned depth = 0, rest = moves; depth < 3; ++depth, rest /= 3)
              if (auto choice = choices[rest % 3])
                program.replace(depth, *choice);
          return split_result(number);
        };
        CHECK(program.run("outer", 5 + moves) == outer(5 + moves));
      }
  }
}

TEST_CASE("Check that a callee inlined into a pinned function brings no site into it", "[split]") {
  OsrProgram program(R"(
    declare i64 @ext(i64)
    declare ptr @llvm.returnaddress(i32)
    define i64 @callee(i64 %x) {
      %a = call i64 @ext(i64 %x)
      %b = add i64 %a, %x
      ret i64 %b
    }
    define i64 @pinned(i64 %x) {
      %address = call ptr @llvm.returnaddress(i32 0)
      %null = icmp eq ptr %address, null
      %number = zext i1 %null to i64
      %a = call i64 @callee(i64 %x)
      %b = mul i64 %a, 1000
      %c = add i64 %b, %number
      ret i64 %c
    })");
  program.use("pinned", Tier::Optimized);
  program.on_ext = [&](std::uint64_t argument) {
    std::vector<Frame> stack = program.stack();
    CHECK(stack.size() == 1); // it is inlined
    for (const Frame &frame : stack) {
      CHECK_FALSE(frame.is_site);
      for (Landing landing : {Landing::InPlace, Landing::Continuation}) {
        auto stub = program.make_stub(frame.pc, landing);
        CHECK_FALSE(bool(stub));
        llvm::consumeError(stub.takeError());
      }
    }
    return argument + 1;
  };
  CHECK(program.run("pinned", 20) == 41000);
}
