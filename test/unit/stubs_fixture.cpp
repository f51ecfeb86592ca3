#include "test/unit/stubs_fixture.h"

#include "compiler/base/check.h"
#include "osr-stubs/machine.h"
#include "osr-stubs/script_check.h"
#include "osr-stubs/thread_state.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace osr::test {

namespace {

constexpr std::int32_t older_bytes = 256; ///< how much of the older frames is compared

void fill(std::mt19937_64 &random, std::uint8_t *begin, std::size_t count) {
  for (std::size_t index = 0; index < count; index += 8) {
    const std::uint64_t bits = random();
    std::memcpy(begin + index, &bits, std::min<std::size_t>(8, count - index));
  }
}

} // namespace

StubFixture::StubFixture() : object_stack_(object_stack_bytes), previous_top_(osr_object_stack_top) {}

StubFixture::~StubFixture() { osr_object_stack_top = previous_top_; }

void StubFixture::prepare(const TransitionScript &script, std::mt19937_64 &random) {
  World &world = before_;
  world.cfa = stack_.cfa();
  world.lowest = std::min(-script.cfa_from_sp, lowest_new_offset(script));
  world.stack.resize(std::size_t(older_bytes - world.lowest));
  fill(random, world.stack.data(), world.stack.size());
  world.buffer.resize(script.state_buffer_size);
  fill(random, world.buffer.data(), world.buffer.size());
  world.buffer_address =
      reinterpret_cast<std::uint64_t>(object_stack_.data() + object_stack_.size() - script.state_buffer_size);

  Registers &registers = world.registers;
  for (unsigned index = 0; index < 9; ++index)
    (&registers.callee_saved[0])[index] = random();
  registers.rsp = world.cfa - std::uint64_t(script.cfa_from_sp);
  registers.x87_count = script.result.stacked_floats;
  if (script.state_buffer_size == 0 && script.moves.size() % 4 == 0)
    registers.x87_count = 2; // results that stay where they are
  std::memset(registers.x87, 0, sizeof registers.x87);
  for (unsigned index = 0; index < registers.x87_count; ++index)
    fill(random, registers.x87[index], 10);
  std::memset(registers.vector, 0, sizeof registers.vector);
  for (auto &vector : registers.vector)
    fill(random, vector, vector_register_bytes());
  expected_ = expected_world(script, before_);
}

void StubFixture::load(const TransitionScript &script, Executor executor) {
  CodeMemory &memory = executor == Executor::EmittedFar ? far_ : near_;
  stub_ = executor == Executor::Interpreter ? emit_generic_stub(&script, memory.address())
                                            : emit_stub(script, memory.address());
  address_ = memory.put(stub_.code);
}

World StubFixture::observed(const Registers &landed) const {
  World actual = before_;
  actual.registers = landed;
  std::memcpy(actual.stack.data(), stack_.at(actual.lowest), actual.stack.size());
  const auto *buffer = reinterpret_cast<const std::uint8_t *>(before_.buffer_address);
  std::copy_n(buffer, actual.buffer.size(), actual.buffer.begin());
  return actual;
}

/// Bytes that hold nothing: those below the old frame that are no targets, and what signal handlers may use.
void StubFixture::ignore_free_bytes(const TransitionScript &script, World &actual, bool signals) const {
  std::vector<bool> counts(actual.stack.size(), true);
  std::fill(counts.begin(), counts.begin() + (-script.cfa_from_sp - actual.lowest), false);
  for (const Move &move : script.moves)
    if (move.target.kind == ValueTarget::Kind::Frame)
      std::fill_n(counts.begin() + (move.target.offset - actual.lowest), move.size, true);
  if (const std::int32_t red_zone_end = script.final_sp - 128 - actual.lowest; signals && red_zone_end > 0)
    std::fill_n(counts.begin(), red_zone_end, false);
  for (std::size_t index = 0; index < counts.size(); ++index)
    if (!counts[index])
      actual.stack[index] = expected_.stack[index];
}

std::string StubFixture::run(const TransitionScript &script, Stepping stepping, bool signals) {
  std::memcpy(stack_.at(before_.lowest), before_.stack.data(), before_.stack.size());
  std::copy(before_.buffer.begin(), before_.buffer.end(), reinterpret_cast<std::uint8_t *>(before_.buffer_address));
  char *const top = reinterpret_cast<char *>(object_stack_.data() + object_stack_.size());
  osr_object_stack_top = top;
  World actual = observed(run_machine(before_.registers, address_ + stub_.entry_offset, stepping));
  ignore_free_bytes(script, actual, signals);
  if (osr_object_stack_top != top - script.state_buffer_size)
    return fmt::format("object stack: top moved by {}, not {}", osr_object_stack_top - top, script.state_buffer_size);
  return difference(script, expected_, actual);
}

std::string StubFixture::check(const TransitionScript &script, std::mt19937_64 &random) {
  prepare(script, random);
  constexpr const char *names[] = {"emitted, near", "emitted, far", "interpreted"};
  for (const Executor executor : {Executor::EmittedNear, Executor::EmittedFar, Executor::Interpreter}) {
    load(script, executor);
    if (const std::string text = run(script); !text.empty())
      return fmt::format("{}: {}\n{}", names[unsigned(executor)], text, describe(script));
  }
  return "";
}

ValueSource at(std::int32_t cfa_offset) {
  ValueSource source;
  source.kind = ValueSource::Kind::Frame;
  source.cfa_offset = cfa_offset;
  return source;
}

ValueSource in(SavedRegister reg) {
  ValueSource source;
  source.kind = ValueSource::Kind::Register;
  source.reg = reg;
  return source;
}

ValueSource constant(std::uint64_t value) {
  ValueSource source;
  source.constant = value;
  return source;
}

ValueSource address(std::int32_t cfa_offset) {
  ValueSource source = at(cfa_offset);
  source.kind = ValueSource::Kind::FrameAddress;
  return source;
}

ValueTarget to(std::int32_t cfa_offset) { return {ValueTarget::Kind::Frame, SavedRegister::Rbx, cfa_offset}; }
ValueTarget to(SavedRegister reg) { return {ValueTarget::Kind::Register, reg, 0}; }
ValueTarget to_buffer(std::int32_t offset) { return {ValueTarget::Kind::StateBuffer, SavedRegister::Rbx, offset}; }

TransitionScript script_in_place(std::int32_t frame_bytes, std::vector<Move> moves) {
  TransitionScript script;
  script.cfa_from_sp = frame_bytes;
  script.final_sp = -frame_bytes;
  script.target_pc = recorder();
  script.moves = std::move(moves);
  return script;
}

} // namespace osr::test
