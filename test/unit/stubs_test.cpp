// Check that transition scripts do what they say: the emitted stub and the interpreter against an oracle, on hand-made
// scripts with known difficulties and on random ones.
#include "osr-stubs/machine.h"
#include "osr-stubs/move_schedule.h"
#include "osr-stubs/result_area.h"
#include "osr-stubs/script_check.h"
#include "test/support/catch_header.h"
#include "test/unit/stubs_fixture.h"

#include <algorithm>
#include <numeric>

using namespace osr;
using namespace osr::test;

namespace {

using enum SavedRegister;
using Kind = RecipeStep::Kind;

std::string check(const TransitionScript &script) {
  StubFixture fixture;
  std::mt19937_64 random(script.moves.size() + 1);
  return fixture.check(script, random);
}

ValueSource with(ValueSource source, std::vector<RecipeStep> recipe) {
  source.recipe = std::move(recipe);
  return source;
}

} // namespace

TEST_CASE("a script without moves only jumps", "[stubs]") {
  CHECK(check(script_in_place(64, {})) == "");
  const EmittedStub stub = emit_stub(script_in_place(64, {}), recorder() + 4096);
  CHECK(stub.code.size() == 1 + 5);
  CHECK(stub.rows == std::vector<StubRow>{{0, 64}});
}

TEST_CASE("slots are swapped", "[stubs]") {
  CHECK(check(script_in_place(64, {{at(-16), to(-24)}, {at(-24), to(-16)}})) == "");
  CHECK(check(script_in_place(64, {{at(-16), to(-20), 4}, {at(-20), to(-16), 4}})) == "");
  CHECK(check(script_in_place(128, {{at(-32), to(-64), 16}, {at(-64), to(-32), 16}})) == "");
  CHECK(check(script_in_place(256, {{at(-64), to(-128), 48}, {at(-128), to(-64), 48}})) == "");
  // Circles that only share some bytes.
  CHECK(check(script_in_place(64, {{at(-28), to(-16)}, {at(-20), to(-32)}, {at(-12), to(-24)}})) == "");
}

TEST_CASE("overlapping values are shifted up and down", "[stubs]") {
  for (const std::int32_t distance : {1, 4, 8, 16, 24, 40, 64}) {
    for (const std::uint32_t size : {64u, 100u, 256u, 1000u}) {
      const std::int32_t low = -1400, high = low + distance;
      CHECK(check(script_in_place(2048, {{at(low), to(high), size}})) == "");
      CHECK(check(script_in_place(2048, {{at(high), to(low), size}})) == "");
    }
    std::vector<Move> up, down;
    for (std::int32_t slot = 0; slot < 20; ++slot) {
      up.push_back({at(-400 + 8 * slot), to(-400 + 8 * slot + distance)});
      down.push_back({at(-400 + 8 * slot), to(-400 + 8 * slot - distance)});
    }
    CHECK(check(script_in_place(512, up)) == "");
    CHECK(check(script_in_place(512, down)) == "");
  }
}

TEST_CASE("circles through registers and slots", "[stubs]") {
  CHECK(check(script_in_place(64, {{in(Rbx), to(R12)}, {in(R12), to(Rbx)}})) == "");
  CHECK(check(script_in_place(64, {{in(Rbx), to(-16)}, {at(-16), to(Rbx)}})) == "");
  CHECK(check(script_in_place(64, {{in(Rbx), to(R12)},
                                   {in(R12), to(-16)},
                                   {at(-16), to(Rbp)},
                                   {in(Rbp), to(-24)},
                                   {at(-24), to(R13)},
                                   {in(R13), to(R14)},
                                   {in(R14), to(R15)},
                                   {in(R15), to(Rbx)}})) == "");
  CHECK(check(script_in_place(64, {{with(in(R15), {{Kind::Add, 5}}), to(R15)},
                                   {in(R14), to(R14)},
                                   {with(in(Rbx), {{Kind::SignExtend, 32}}), to(Rbp)},
                                   {with(in(Rbp), {{Kind::Multiply, 24}}), to(Rbx)}})) == "");
}

TEST_CASE("circles that hang together use up every holder", "[stubs]") {
  constexpr std::int32_t count = 300;
  for (const std::int32_t size : {1, 8, 16, 32, 64}) {
    std::vector<std::int32_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(std::uint64_t(size)));
    std::vector<Move> moves; // each source covers the halves of two targets
    for (std::int32_t slot = 0; slot < count; ++slot)
      moves.push_back({at(-20000 + size * order[slot] + size / 2), to(-20000 + size * slot), std::uint32_t(size)});
    const TransitionScript script = script_in_place(20480, moves);
    CHECK(check(script) == "");
    const auto scratch_bytes = schedule_moves(script, {4, 11}).scratch_bytes;
    // Halves that are copied as such make plain circles, one holder at a time: bytes, and those of what is copied in pieces.
    CHECK((scratch_bytes != 0) == (size > 1 && size <= 16));
  }
}

TEST_CASE("frames grow and shrink by kilobytes", "[stubs]") {
  for (const std::int32_t from : {32, 4096, 40000}) {
    for (const std::int32_t into : {16, 32, 160, 176, 4096, 40000}) {
      TransitionScript script = script_in_place(from, {});
      script.final_sp = -into;
      if (into > 16)
        for (std::int32_t slot = 1; slot <= 3; ++slot) {
          script.moves.push_back({at(-8 - 8 * slot), to(-into - 8 + 8 * slot)});
          if (into >= 160)
            script.moves.push_back({at(-from + 8 * slot - 8), to(-8 - 8 * slot)});
        }
      INFO(from << " -> " << into);
      CHECK(check(script) == "");
    }
  }
}

TEST_CASE("rsp moves only when something is written below the red zone", "[stubs]") {
  for (const std::int32_t depth : {8, 120, 128, 129, 136, 500}) {
    TransitionScript script = script_in_place(64, {{at(-16), to(-64 - depth)}, {in(Rbx), to(-24)}});
    CHECK(check(script) == "");
    const std::size_t row_count = emit_stub(script, 0x10000).rows.size();
    CHECK(row_count == (depth <= 128 ? 1 : 3));
  }
  // Straight to where it ends, when that is lower: once.
  TransitionScript script = script_in_place(64, {{at(-16), to(-1000)}});
  script.final_sp = -1008;
  CHECK(emit_stub(script, 0x10000).rows.size() == 2);
  script.final_sp = -880;
  CHECK(emit_stub(script, 0x10000).rows.size() == 2);
}

TEST_CASE("constants, addresses and recipes at every size", "[stubs]") {
  const std::uint64_t constants[] = {0, 1, ~0ull, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull << 31, 0x123456789abcdef0};
  for (std::uint32_t size = 1; size <= 8; ++size) {
    std::vector<Move> moves{{with(address(-4096), {{Kind::Add, -24}}), to(-3000), size}};
    std::int32_t target = -2048;
    auto add = [&](ValueSource source) { moves.push_back({source, to(target += 8), size}); };
    for (const std::uint64_t value : constants) {
      add(constant(value));
      add(constant(value));
      for (unsigned kind = 0; kind < 6; ++kind) {
        const bool limited = Kind(kind) != Kind::Add && Kind(kind) != Kind::Multiply && Kind(kind) != Kind::And;
        const std::int64_t operand = limited ? 1 + std::int64_t(value % 63) : std::int64_t(value);
        add(with(at(-2048 + 100), {{Kind(kind), operand}}));
        add(with(in(R13), {{Kind(kind), operand}, {Kind::SignExtend, 8}, {Kind::Multiply, 10}}));
        add(with(constant(value), {{Kind(kind), operand}}));
      }
    }
    moves.push_back({with(at(-2048 + 99), {{Kind::SignExtend, 32}}), to(Rbx), size});
    moves.push_back({at(-2048 + 64), to(R12), size});
    moves.push_back({in(R13), to(R14), size});
    moves.push_back({constant(0xfedcba9876543210), to(R15), size});
    CHECK(check(script_in_place(4096, moves)) == "");
  }
}

TEST_CASE("five hundred moves", "[stubs]") {
  std::vector<Move> rotate, spread;
  for (std::int32_t slot = 0; slot < 500; ++slot) {
    rotate.push_back({at(-4800 + 8 * ((slot * 7 + 3) % 500)), to(-4800 + 8 * slot)});
    spread.push_back({at(-4800 + 4 * slot), to(-4800 + 8 * slot)});
  }
  CHECK(check(script_in_place(4800, rotate)) == "");
  CHECK(check(script_in_place(4800, spread)) == "");
}

TEST_CASE("results go to the state buffer, and x87 results are popped", "[stubs]") {
  for (const bool general : {false, true})
    for (const std::uint32_t vector_bytes : {0u, 16u, 32u, 64u})
      for (const std::uint8_t x87 : {0, 1, 2}) {
        if (vector_bytes > vector_register_bytes())
          continue;
        TransitionScript script = script_in_place(96, {{at(-16), to(Rbp)}, {at(-40), to_buffer(0), 24}});
        script.final_sp = -8;
        script.moves.push_back({in(R12), to_buffer(24), 4});
        script.moves.push_back({constant(7), to_buffer(28), 1});
        script.result = {general, std::uint8_t(vector_bytes), x87};
        script.result_area_offset = 32;
        script.state_buffer_size = 32 + result_area_size(script.result);
        CHECK(check(script) == "");
      }
}

TEST_CASE("each run counts once", "[stubs]") {
  StubFixture fixture;
  std::mt19937_64 random(1);
  static std::uint64_t far_away = 0;
  TransitionScript script = script_in_place(64, {{at(-16), to(-24)}, {at(-24), to(-16)}});
  script.counters = {&fixture.counters[0], &fixture.counters[1]};
  CHECK(fixture.check(script, random) == "");
  CHECK(fixture.counters[0] == 3);
  CHECK(fixture.counters[1] == 3);
  script.counters = {nullptr, &fixture.counters[1]};
  CHECK(fixture.check(script, random) == "");
  CHECK(fixture.counters[0] == 3);
  CHECK(fixture.counters[1] == 6);
  script.counters = {&fixture.counters[0], &far_away};
  CHECK(fixture.check(script, random) == "");
  CHECK(fixture.counters[0] == 6);
  CHECK(far_away == 3);
}

TEST_CASE("random scripts", "[stubs]") {
  StubFixture fixture;
  constexpr unsigned seeds = 25000;
  unsigned with_holders = 0, with_scratch_memory = 0;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    std::mt19937_64 random(seed);
    const TransitionScript script = random_script(random);
    const std::string text = fixture.check(script, random);
    if (!text.empty())
      FAIL("seed " << seed << ": " << text);
    const MoveSchedule schedule = schedule_moves(script, {3, 11});
    with_holders += schedule.steps.size() > schedule.copies.size();
    with_scratch_memory += schedule.scratch_bytes != 0;
  }
  CHECK(with_holders > seeds / 10); // enough scripts have something to get wrong
  CHECK(with_scratch_memory > seeds / 500);
}

TEST_CASE("what no stub can do is said before one is made", "[stubs]") {
  const auto said = [](const TransitionScript &script) { return objection_to(script).value_or("nothing"); };
  CHECK(said(script_in_place(64, {{at(-16), to(-24)}})) == "nothing");
  CHECK(said(script_in_place(64, {{constant(0), to(-32), 16}})) == "16 bytes from a source that has 8");
  CHECK(said(script_in_place(64, {{in(Rbx), to(-48), 32}})) == "32 bytes from a source that has 8");
  CHECK(said(script_in_place(64, {{with(at(-32), {{Kind::Add, 1}}), to(-32), 16}})) ==
        "recipe for a value of 16 bytes");
  CHECK(said(script_in_place(64, {{with(at(-16), {{Kind::ShiftLeft, 64}}), to(-24)}})) == "shift by 64");
  TransitionScript unaligned = script_in_place(64, {});
  unaligned.final_sp = -24;
  CHECK(said(unaligned) == "rsp at the landing is CFA-24, not aligned to 16 bytes");
  CHECK(said(script_in_place(1 << 29, {})) == "CFA = rsp+536870912");
  CHECK(said(script_in_place(64, {{at(-(1 << 28)), to(-16)}})) == "source at CFA-268435456");
  CHECK(said(script_in_place(64, {{at(-16), to(-4)}})) == "target CFA-4, 8 bytes: not below the return PC");
  CHECK(said(script_in_place(64, {{at(-16), to_buffer(8)}})) == "target 8..16 of a state buffer of 0 bytes");
}
