// The adversarial test of callee-saved registers: whatever is replaced by whatever, the caller finds its own values.
#include "generated_ir.h"
#include "osr_fixture.h"

#include "test/support/catch_header.h"

using namespace osr;

namespace {

using Choice = std::optional<Landing>; ///< nothing: the frame stays

constexpr std::array<Choice, 3> choices = {std::nullopt, Landing::InPlace, Landing::Continuation};

/// Digit `position` of `number` in base 3, as a choice.
Choice choice_at(unsigned number, unsigned position) {
  while (position--)
    number /= 3;
  return choices[number % 3];
}

unsigned power_of_3(unsigned exponent) { return exponent == 0 ? 1 : 3 * power_of_3(exponent - 1); }

/// More values than there are registers, of several types, alive across four calls.
constexpr const char *hungry_text = R"(
  declare i64 @ext(i64)
  define i64 @hungry(i64 %x, i64 %y, double %d) {
    %a = mul i64 %x, 3
    %b = xor i64 %y, %x
    %c = udiv i64 %x, 7
    %e = add i64 %y, %c
    %f = mul i64 %e, %e
    %g = lshr i64 %f, 3
    %h = or i64 %g, %b
    %i = urem i64 %x, 1001
    %real = fmul double %d, 3.0
    %narrow = trunc i64 %b to i8
    %wide = zext i64 %f to i128
    %wider = mul i128 %wide, %wide
    %r1 = call i64 @ext(i64 1)
    %r2 = call i64 @ext(i64 2)
    %r3 = call i64 @ext(i64 3)
    %r4 = call i64 @ext(i64 4)
    %s0 = mul i64 %r1, 5
    %s1 = add i64 %s0, %r2
    %s2 = mul i64 %s1, 5
    %s3 = add i64 %s2, %r3
    %s4 = mul i64 %s3, 5
    %s5 = add i64 %s4, %r4
    %m = mul i64 %s5, %a
    %n = xor i64 %m, %b
    %o = mul i64 %n, %c
    %p = add i64 %o, %e
    %q = mul i64 %p, %f
    %t = sub i64 %q, %g
    %u = xor i64 %t, %h
    %v = mul i64 %u, %i
    %whole = fptosi double %real to i64
    %w = add i64 %v, %whole
    %byte = sext i8 %narrow to i64
    %z = add i64 %w, %byte
    %upper = lshr i128 %wider, 64
    %top = trunc i128 %upper to i64
    %all = xor i64 %z, %top
    ret i64 %all
  })";

std::uint64_t result_of_call(std::uint64_t number) { return number * 1000003; }

std::uint64_t hungry(std::uint64_t x, std::uint64_t y, double d) {
  std::uint64_t a = x * 3, b = y ^ x, c = x / 7, e = y + c, f = e * e, g = f >> 3, h = g | b, i = x % 1001, s = 0;
  for (std::uint64_t number : {1, 2, 3, 4})
    s = s * 5 + result_of_call(number);
  unsigned __int128 wide = f;
  std::uint64_t value = (((((s * a) ^ b) * c + e) * f - g) ^ h) * i;
  return (value + std::uint64_t(std::int64_t(d * 3.0)) + std::uint64_t(std::int64_t(std::int8_t(b)))) ^
         std::uint64_t((wide * wide) >> 64);
}

} // namespace

TEST_CASE("Check that the guarded call notices each register that comes out wrong", "[registers]") {
  for (unsigned index = 0; index < 7; ++index) {
    GuardedCall guard;
    guard.target = reinterpret_cast<std::uint64_t>(&osr_test_break_register);
    guard.integers[0] = index;
    for (unsigned i = 0; i < 6; ++i)
      guard.before[i] = 0x1111'1111 * (i + 1);
    osr_test_guarded_call(&guard);
    for (unsigned i = 0; i < 6; ++i)
      CHECK((guard.after[i] == guard.before[i]) == (i != index));
    CHECK(guard.sp_after == guard.cfa);
  }
}

TEST_CASE("Check that callee-saved registers survive every sequence of four transitions", "[registers]") {
  for (StubKind kind : {StubKind::Generated, StubKind::Interpreted}) {
    OsrProgram program(hungry_text, kind);
    std::uint64_t in_place = 0, continuations = 0;
    for (Tier tier : {Tier::Optimized, Tier::Baseline}) {
      program.use("hungry", tier);
      for (unsigned sequence = 0; sequence < power_of_3(4); ++sequence) {
        INFO("sequence " << sequence << " from " << to_string(tier));
        unsigned calls = 0;
        program.on_ext = [&](std::uint64_t number) {
          ++calls;
          CHECK(number == calls);
          if (Choice choice = choice_at(sequence, calls - 1)) {
            program.replace(0, *choice);
            ++(*choice == Landing::InPlace ? in_place : continuations);
          }
          return result_of_call(number);
        };
        std::uint64_t x = 0x1234'5678'9abc + sequence, y = 0xfedc'ba98'7654'3210 - sequence;
        CHECK(program.run("hungry", x, y, 2.5 * sequence) == hungry(x, y, 2.5 * sequence));
        CHECK(calls == 4);
      }
    }
    CHECK(program.statistics().transitions.in_place == in_place);
    CHECK(program.statistics().transitions.continuation == continuations);
  }
}

TEST_CASE("Check that a replaced frame really runs the other code", "[registers]") {
  OsrProgram program(hungry_text);
  program.use("hungry", Tier::Optimized);
  std::vector<VersionKey> seen;
  const std::vector<Choice> sequence = {Landing::InPlace, Landing::Continuation, Landing::InPlace, std::nullopt};
  program.on_ext = [&](std::uint64_t number) {
    seen.push_back(program.stack().at(0).code->version());
    if (Choice choice = sequence[number - 1])
      program.replace(0, *choice);
    return result_of_call(number);
  };
  CHECK(program.run("hungry", 5, 6) == hungry(5, 6, 0));
  FunctionId id = program.id("hungry");
  CHECK(seen ==
        std::vector<VersionKey>{
            {id, Tier::Optimized, {}}, {id, Tier::Baseline, {}}, {id, Tier::Optimized, 1}, {id, Tier::Baseline, {}}});
}

namespace {

/// Each level first calls ext(level), where its own frame may become a continuation, then the next one; the newest
/// calls ext(100), where all three are replaced at once.
constexpr const char *levels = R"(
    declare i64 @ext(i64)
    define i64 @level(i64 %n, i64 %x) {
      %a = mul i64 %x, 31
      %b = xor i64 %x, 12345
      %c = udiv i64 %x, 3
      %d = mul i64 %c, %a
      %e = add i64 %d, %b
      %own = call i64 @ext(i64 %n)
      %last = icmp eq i64 %n, 0
      br i1 %last, label %leaf, label %deeper
    leaf:
      %bottom = call i64 @ext(i64 100)
      br label %join
    deeper:
      %n1 = sub i64 %n, 1
      %x1 = add i64 %e, %own
      %below = call i64 @level(i64 %n1, i64 %x1)
      br label %join
    join:
      %r = phi i64 [ %bottom, %leaf ], [ %below, %deeper ]
      %s = mul i64 %r, %a
      %t = xor i64 %s, %b
      %u = add i64 %t, %c
      %v = mul i64 %u, %d
      %w = add i64 %v, %own
      ret i64 %w
    })";

} // namespace

TEST_CASE("Check that three frames on top of each other are replaced in every combination", "[registers]") {
  OsrProgram program(levels);
  std::function<std::uint64_t(std::uint64_t, std::uint64_t)> level = [&](std::uint64_t n, std::uint64_t x) {
    std::uint64_t a = x * 31, b = x ^ 12345, c = x / 3, d = c * a, e = d + b, own = result_of_call(n);
    std::uint64_t r = n == 0 ? result_of_call(100) : level(n - 1, e + own);
    return (((r * a) ^ b) + c) * d + own;
  };
  for (unsigned kinds = 0; kinds < power_of_3(3); ++kinds)    // optimised, baseline or continuation, by level
    for (unsigned moves = 0; moves < power_of_3(3); ++moves) { // what becomes of each
      INFO("kinds " << kinds << " moves " << moves);
      auto prepare = [&](unsigned next_level) { // the level that is about to be called
        bool baseline = choice_at(kinds, next_level) == Choice(Landing::InPlace);
        program.use("level", baseline ? Tier::Baseline : Tier::Optimized);
      };
      prepare(2);
      program.on_ext = [&](std::uint64_t argument) {
        if (argument == 100) {
          CHECK(program.stack().size() == 3);
          for (unsigned depth = 0; depth < 3; ++depth)
            if (Choice move = choice_at(moves, depth))
              program.replace(depth, *move);
        } else {
          if (choice_at(kinds, unsigned(argument)) == Choice(Landing::Continuation))
            program.replace(0, Landing::Continuation);
          if (argument > 0)
            prepare(unsigned(argument) - 1);
        }
        return result_of_call(argument);
      };
      CHECK(program.run("level", 2, 77 + kinds * 27 + moves) == level(2, 77 + kinds * 27 + moves));
    }
  CHECK(program.statistics().transitions.in_place > 0);
  CHECK(program.statistics().transitions.continuation > 0);
}

TEST_CASE("Check that generated functions compute the same whatever is replaced", "[registers]") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    OsrProgram program(generate_ir(seed));
    std::vector<std::vector<std::uint64_t>> outcomes;
    for (Tier tier : {Tier::Baseline, Tier::Optimized})
      for (unsigned moves = 0; moves < 27; ++moves) {
        std::vector<std::uint64_t> memory(16);
        for (unsigned i = 0; i < 16; ++i)
          memory[i] = i * 0x1111;
        unsigned calls = 0;
        program.use("generated", tier);
        program.on_ext = [&](std::uint64_t argument) {
          if (Choice move = choice_at(moves, calls++ % 3))
            program.replace(0, *move);
          return argument * 3 + calls;
        };
        memory.push_back(program.run("generated", 99 + seed, 1ull << 40, 1.25, memory.data()));
        memory.push_back(calls);
        outcomes.push_back(memory);
      }
    for (const std::vector<std::uint64_t> &outcome : outcomes)
      CHECK(outcome == outcomes[0]); // baseline, nothing replaced
  }
}
