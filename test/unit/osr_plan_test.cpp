// Checks plans of transitions, made from the records of really compiled code.
#include "osr_fixture.h"

#include "compiler/tiers/continuation.h"
#include "test/support/catch_header.h"

#include <algorithm>

using namespace osr;

namespace {

constexpr const char *text = R"(
  declare i64 @ext(i64)
  define i64 @inner(i64 %x, i64 %y, double %d) {
    %a = mul i64 %x, %y
    %r = call i64 @ext(i64 %a)
    %s = add i64 %r, %x
    %t = mul i64 %s, %y
    %w = fptosi double %d to i64
    %u = add i64 %t, %w
    ret i64 %u
  }
  define i64 @outer(i64 %x, i64 %y, double %d) {
    %k = xor i64 %x, %y
    %r = call i64 @inner(i64 %k, i64 %y, double %d)
    %s = mul i64 %r, %x
    %t = add i64 %s, %k
    ret i64 %t
  })";

struct RealFrame {
  const Version &version;
  SiteRecord record;
  const UnwindRow &row;
  std::uint64_t return_pc;

  FromFrame from() const { return {record, row, version.object.cfa_from_sp}; }
  BaselineLanding landing() const { return {record, row, version.object.cfa_from_sp, return_pc}; }
};

RealFrame frame_at(OsrProgram &program, const Version &version, const std::string &function) {
  SiteRecord record = program.record(version, {program.id(function), 0});
  const CodeObject &object = version.object;
  const UnwindRow *row = object.rows.find(record.return_pc_offset - 1);
  REQUIRE(row);
  REQUIRE(row->usable);
  return {version, record, *row, object.code_begin + record.return_pc_offset};
}

RealFrame baseline_frame(OsrProgram &program, const std::string &function) {
  return frame_at(program, program.version(function, Tier::Baseline), function);
}

std::vector<Move> moves_to(const TransitionScript &script, ValueTarget::Kind kind, std::int32_t offset) {
  std::vector<Move> found;
  for (const Move &move : script.moves)
    if (move.target.kind == kind && move.target.offset == offset)
      found.push_back(move);
  return found;
}

/// Where the caller's value of `reg` is while `from` waits.
ValueSource callers_register(const FromFrame &from, unsigned reg) {
  ValueSource source;
  source.kind = from.row.saved[reg] ? ValueSource::Kind::Frame : ValueSource::Kind::Register;
  source.cfa_offset = from.row.saved[reg];
  if (!from.row.saved[reg])
    source.reg = SavedRegister(reg);
  return source;
}

/// No two targets overlap, and none is outside of what the plan says it needs.
void check_targets(const TransitionPlan &plan) {
  struct Range {
    std::int32_t begin, end;
  };
  for (ValueTarget::Kind kind : {ValueTarget::Kind::Frame, ValueTarget::Kind::StateBuffer}) {
    std::vector<Range> ranges;
    for (const Move &move : plan.script.moves)
      if (move.target.kind == kind)
        ranges.push_back({move.target.offset, move.target.offset + std::int32_t(move.size)});
    std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < ranges.size(); ++i)
      CHECK(ranges[i - 1].end <= ranges[i].begin);
    if (ranges.empty())
      continue;
    CHECK(ranges.front().begin >= (kind == ValueTarget::Kind::Frame ? plan.lowest_offset : 0));
    // The oldest return PC and what is above it belong to the caller.
    CHECK(ranges.back().end <= (kind == ValueTarget::Kind::Frame ? -8 : std::int32_t(plan.script.state_buffer_size)));
  }
  std::array<unsigned, saved_register_count> written{};
  for (const Move &move : plan.script.moves)
    if (move.target.kind == ValueTarget::Kind::Register)
      CHECK(++written[unsigned(move.target.reg)] == 1);
}

std::string reason(llvm::Expected<TransitionPlan> plan) {
  REQUIRE_FALSE(bool(plan));
  return toString(plan.takeError());
}

} // namespace

TEST_CASE("Check that a plan puts each value of an optimised frame into its baseline slot", "[plan]") {
  OsrProgram program(text);
  RealFrame from = frame_at(program, program.version("inner", Tier::Optimized), "inner");
  RealFrame to = baseline_frame(program, "inner");
  BaselineLanding landing = to.landing();
  TransitionPlan plan = cantFail(plan_in_place(from.from(), {&landing, 1}));
  check_targets(plan);
  CHECK(plan.script.cfa_from_sp == from.version.object.cfa_from_sp);
  CHECK(plan.script.target_pc == to.return_pc);
  CHECK(plan.script.final_sp == -to.version.object.cfa_from_sp);
  CHECK(plan.script.state_buffer_size == 0);
  CHECK(plan.lowest_offset <= plan.script.final_sp);
  const FrameRecord &values = from.record.frames.at(0), &slots = to.record.frames.at(0);
  REQUIRE(values.values.size() == 3); // x, y, d
  for (std::size_t i = 0; i < values.values.size(); ++i) {
    std::vector<Move> moves = moves_to(plan.script, ValueTarget::Kind::Frame, slots.values[i].source.cfa_offset);
    REQUIRE(moves.size() == 1);
    CHECK(moves[0].source == values.values[i].source);
    CHECK(moves[0].size == 8);
  }
  for (unsigned reg = 0; reg < saved_register_count; ++reg) {
    ValueSource callers = callers_register(from.from(), reg);
    if (std::int32_t slot = to.row.saved[reg]) { // saved again where the baseline prologue would have saved it
      std::vector<Move> moves = moves_to(plan.script, ValueTarget::Kind::Frame, slot);
      REQUIRE(moves.size() == 1);
      CHECK(moves[0].source == callers);
    } else { // or back in the register
      bool restored = callers.kind == ValueSource::Kind::Register;
      for (const Move &move : plan.script.moves)
        restored |= move.target.kind == ValueTarget::Kind::Register && move.target.reg == SavedRegister(reg) &&
                    move.source == callers;
      CHECK(restored);
    }
  }
}

TEST_CASE("Check that a plan for an inlined frame builds the frames that calls would have built", "[plan]") {
  OsrProgram program(text);
  RealFrame from = frame_at(program, program.version("outer", Tier::Optimized), "inner");
  REQUIRE(from.record.frames.size() == 2);
  RealFrame outer = baseline_frame(program, "outer"), inner = baseline_frame(program, "inner");
  const BaselineLanding landings[] = {outer.landing(), inner.landing()};
  TransitionPlan plan = cantFail(plan_in_place(from.from(), landings));
  check_targets(plan);
  std::int32_t inner_cfa = -outer.version.object.cfa_from_sp;
  CHECK(plan.script.final_sp == inner_cfa - inner.version.object.cfa_from_sp);
  CHECK(plan.script.target_pc == inner.return_pc);
  std::vector<Move> link = moves_to(plan.script, ValueTarget::Kind::Frame, inner_cfa - 8);
  REQUIRE(link.size() == 1); // the inner frame returns to the call in the outer one
  CHECK(link[0].source.kind == ValueSource::Kind::Constant);
  CHECK(link[0].source.constant == outer.return_pc);
  for (std::size_t i = 0; i < inner.record.frames[0].values.size(); ++i) {
    std::int32_t slot = inner_cfa + inner.record.frames[0].values[i].source.cfa_offset;
    std::vector<Move> moves = moves_to(plan.script, ValueTarget::Kind::Frame, slot);
    REQUIRE(moves.size() == 1);
    CHECK(moves[0].source == from.record.frames[1].values[i].source);
  }
  // The inner frame saved the frame pointer of the outer one.
  std::int32_t saved_rbp = inner_cfa + inner.row.saved[unsigned(SavedRegister::Rbp)];
  std::vector<Move> frame_pointer = moves_to(plan.script, ValueTarget::Kind::Frame, saved_rbp);
  REQUIRE(frame_pointer.size() == 1);
  CHECK(frame_pointer[0].source.kind == ValueSource::Kind::FrameAddress);
  CHECK(frame_pointer[0].source.cfa_offset == -outer.row.cfa_offset);
}

TEST_CASE("Check that a plan for a continuation fills the buffer and gives all registers back", "[plan]") {
  OsrProgram program(text);
  RealFrame from = baseline_frame(program, "inner");
  const Site &site = program.compiler().program().functions[program.id("inner")].sites().at(0);
  StateBufferLayout layout = state_buffer_layout(site);
  const Version &continuation = program.version("inner", Tier::Optimized, 0);
  ContinuationLanding landing{continuation.object.entry_pc, layout.offsets, layout.result_area_offset, layout.size,
                              site.result};
  TransitionPlan plan = cantFail(plan_continuation(from.from(), {}, landing));
  check_targets(plan);
  CHECK(plan.script.final_sp == -8); // as after the call that made the old frame
  CHECK(plan.script.target_pc == continuation.object.entry_pc);
  CHECK(plan.script.state_buffer_size == layout.size);
  CHECK(plan.script.result_area_offset == layout.result_area_offset);
  CHECK(plan.script.result == site.result);
  for (std::size_t i = 0; i < site.state.size(); ++i) {
    std::vector<Move> moves = moves_to(plan.script, ValueTarget::Kind::StateBuffer, std::int32_t(layout.offsets[i]));
    REQUIRE(moves.size() == 1);
    CHECK(moves[0].source == from.record.frames[0].values[i].source);
    CHECK(moves[0].size == site.state[i].size);
  }
  for (unsigned reg = 0; reg < saved_register_count; ++reg) {
    std::vector<ValueSource> sources;
    for (const Move &move : plan.script.moves)
      if (move.target.kind == ValueTarget::Kind::Register && move.target.reg == SavedRegister(reg))
        sources.push_back(move.source);
    if (from.row.saved[reg])
      CHECK(sources == std::vector{callers_register(from.from(), reg)});
    else
      CHECK(sources.empty());
  }
  for (const Move &move : plan.script.moves) // nothing of the old frame is written
    CHECK(move.target.kind != ValueTarget::Kind::Frame);
}

TEST_CASE("Check that a landing without a certificate is refused, also in the middle of a chain", "[plan]") {
  OsrProgram program(text);
  RealFrame from = frame_at(program, program.version("outer", Tier::Optimized), "inner");
  for (unsigned uncertified : {0u, 1u}) {
    RealFrame frames[] = {baseline_frame(program, "outer"), baseline_frame(program, "inner")};
    frames[uncertified].record.certified = false;
    const BaselineLanding landings[] = {frames[0].landing(), frames[1].landing()};
    CHECK(reason(plan_in_place(from.from(), landings)) == "the baseline site has no certificate");
  }
  RealFrame outer = baseline_frame(program, "outer");
  outer.record.certified = false;
  BaselineLanding landing = outer.landing();
  const std::uint32_t offsets[] = {0, 8, 16};
  ContinuationLanding innermost{0x1000, offsets, 32, 64, {.general = true}};
  CHECK(reason(plan_continuation(from.from(), {&landing, 1}, innermost)) == "the baseline site has no certificate");
}

TEST_CASE("Check that only baseline records are certified", "[plan]") {
  OsrProgram program(text);
  for (const char *name : {"inner", "outer"}) {
    program.version(name, Tier::Baseline).object.sites.for_each([](const SiteRecord &r) { CHECK(r.certified); });
    program.version(name, Tier::Optimized).object.sites.for_each([](const SiteRecord &r) { CHECK_FALSE(r.certified); });
  }
}

TEST_CASE("Check that a refused stub leaves nothing behind and its reason is remembered", "[plan]") {
  OsrProgram program(text);
  const Version &version = program.version("inner", Tier::Baseline);
  std::uint64_t no_site = version.object.entry_pc + 1;
  std::uint64_t stubs = program.statistics().stubs;
  std::size_t known = program.engine().stub_table().size();
  for (int attempt = 0; attempt < 2; ++attempt)
    for (Landing landing : {Landing::InPlace, Landing::Continuation}) {
      auto stub = program.engine().maker().find_or_make_stub(version.object, no_site, landing);
      REQUIRE_FALSE(bool(stub));
      const Refusal why = refusal_of(stub.takeError());
      CHECK(why.kind == RefusalKind::NoDescription);
      CHECK(program.engine().stubs().find_refusal(version.object, no_site, landing)->kind == why.kind);
    }
  CHECK(program.statistics().stubs == stubs);
  CHECK(program.engine().stub_table().size() == known);
}

TEST_CASE("Check that a refusal goes through an error whole, and that other errors keep their texts", "[plan]") {
  const Refusal why = refusal_of(refuse({RefusalKind::NoStub, "it is too wide"}));
  CHECK(why.kind == RefusalKind::NoStub);
  CHECK(why.detail == "it is too wide");
  CHECK(toString(refuse(why)) == describe(why));
  CHECK(describe(RefusalKind::NoRoom) == "no room on the stack");
  const Refusal foreign =
      refusal_of(joinErrors(createStringError("no memory"), refuse({RefusalKind::Failed, "no certificate"})));
  CHECK(foreign.kind == RefusalKind::Failed);
  CHECK(describe(foreign) == "no memory\nno certificate");
}

TEST_CASE("Check that one site has one stub for each landing, which stands for its return PC", "[plan]") {
  OsrProgram program(text);
  RealFrame from = baseline_frame(program, "inner");
  std::vector<std::uint64_t> entries;
  for (Landing landing : {Landing::InPlace, Landing::Continuation}) {
    const ReturnStub *stub = cantFail(program.make_stub(from.return_pc, landing));
    CHECK(cantFail(program.make_stub(from.return_pc, landing)) == stub);
    CHECK(stub->original_pc == from.return_pc);
    CHECK(program.engine().stub_table().original_pc(stub->entry_pc) == from.return_pc);
    CHECK(stub->cfa_from_sp == from.version.object.cfa_from_sp);
    entries.push_back(stub->entry_pc);
  }
  CHECK(entries[0] != entries[1]);
  CHECK(program.engine().stub_table().size() == 2);
}
