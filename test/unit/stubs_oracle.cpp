#include "test/unit/stubs_oracle.h"

#include <cstring>
#include <fmt/format.h>

namespace osr::test {

namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint64_t keep_bits(std::uint64_t value, std::int64_t bits) {
  for (std::int64_t bit = bits; bit < 64; ++bit)
    value &= ~(std::uint64_t(1) << bit);
  return value;
}

std::uint64_t step_result(std::uint64_t value, const RecipeStep &step) {
  switch (step.kind) {
  case RecipeStep::Kind::Add: return value + std::uint64_t(step.operand);
  case RecipeStep::Kind::Multiply: return value * std::uint64_t(step.operand);
  case RecipeStep::Kind::ShiftLeft:
    for (std::int64_t count = 0; count < step.operand; ++count)
      value += value;
    return value;
  case RecipeStep::Kind::And: return value & std::uint64_t(step.operand);
  case RecipeStep::Kind::ZeroExtend: return keep_bits(value, step.operand);
  case RecipeStep::Kind::SignExtend: {
    const bool negative = (value >> (step.operand - 1)) & 1;
    return negative ? ~keep_bits(~value, step.operand) : keep_bits(value, step.operand);
  }
  }
  __builtin_unreachable();
}

Bytes source_bytes(const Move &move, const World &world) {
  if (move.source.kind == ValueSource::Kind::Frame && move.size > 8) {
    const std::uint8_t *begin = world.at(move.source.cfa_offset);
    return Bytes(begin, begin + move.size);
  }
  std::uint64_t value = 0;
  switch (move.source.kind) {
  case ValueSource::Kind::Register: value = world.registers.callee_saved[unsigned(move.source.reg)]; break;
  case ValueSource::Kind::Frame: std::memcpy(&value, world.at(move.source.cfa_offset), move.size); break;
  case ValueSource::Kind::Constant: value = move.source.constant; break;
  case ValueSource::Kind::FrameAddress: value = world.cfa + std::uint64_t(std::int64_t(move.source.cfa_offset)); break;
  }
  value = keep_bits(value, 8 * move.size);
  for (const RecipeStep &step : move.source.recipe)
    value = step_result(value, step);
  Bytes bytes(8);
  std::memcpy(bytes.data(), &value, 8);
  return bytes;
}

void expect_result_in_buffer(const TransitionScript &script, const Registers &start, World &world) {
  std::uint8_t *area = world.buffer.data() + script.result_area_offset;
  if (script.result.general) {
    std::memcpy(area, &start.rax, 8);
    std::memcpy(area + 8, &start.rdx, 8);
    std::memcpy(area + 16, &start.rcx, 8);
  }
  for (unsigned index = 0; index < script.result.stacked_floats; ++index)
    std::memcpy(area + 32 + 16 * index, start.x87[index], 10);
  for (unsigned index = 0; script.result.vector_bytes != 0 && index < 4; ++index)
    std::memcpy(area + 64 + 64 * index, start.vector[index], script.result.vector_bytes);
  world.registers.x87_count -= script.result.stacked_floats;
  for (unsigned index = 0; index < world.registers.x87_count; ++index)
    std::memmove(world.registers.x87[index], start.x87[index + script.result.stacked_floats], 10);
}

std::string first_difference(const char *what, const std::uint8_t *expected, const std::uint8_t *actual,
                             std::size_t count, std::int64_t first_offset) {
  for (std::size_t index = 0; index < count; ++index)
    if (expected[index] != actual[index])
      return fmt::format("{}{:+}: expected {:#04x}, found {:#04x}", what, first_offset + std::int64_t(index),
                         expected[index], actual[index]);
  return "";
}

} // namespace

World expected_world(const TransitionScript &script, const World &before) {
  std::vector<Bytes> values;
  for (const Move &move : script.moves)
    values.push_back(source_bytes(move, before));
  World after = before;
  if (script.state_buffer_size != 0)
    expect_result_in_buffer(script, before.registers, after);
  for (std::size_t index = 0; index < values.size(); ++index) {
    const Move &move = script.moves[index];
    switch (move.target.kind) {
    case ValueTarget::Kind::Register:
      std::memcpy(&after.registers.callee_saved[unsigned(move.target.reg)], values[index].data(), 8);
      break;
    case ValueTarget::Kind::Frame: std::memcpy(after.at(move.target.offset), values[index].data(), move.size); break;
    case ValueTarget::Kind::StateBuffer:
      std::memcpy(after.buffer.data() + move.target.offset, values[index].data(), move.size);
      break;
    }
  }
  after.registers.rsp = before.cfa + std::uint64_t(std::int64_t(script.final_sp));
  after.registers.rdi = before.buffer_address;
  return after;
}

std::string difference(const TransitionScript &script, const World &expected, const World &actual) {
  const Registers &want = expected.registers, &have = actual.registers;
  constexpr const char *names[] = {"rbx", "rbp", "r12", "r13", "r14", "r15", "rax", "rdx", "rcx", "rsp"};
  for (unsigned index = 0; index < 10; ++index)
    if ((&want.callee_saved[0])[index] != (&have.callee_saved[0])[index])
      return fmt::format("{}: expected {:#x}, found {:#x}", names[index], (&want.callee_saved[0])[index],
                         (&have.callee_saved[0])[index]);
  if (script.state_buffer_size != 0 && want.rdi != have.rdi)
    return fmt::format("rdi: expected {:#x}, found {:#x}", want.rdi, have.rdi);
  if (want.x87_count != have.x87_count)
    return fmt::format("x87 values: expected {}, found {}", want.x87_count, have.x87_count);
  for (unsigned index = 0; index < want.x87_count; ++index)
    if (std::memcmp(want.x87[index], have.x87[index], 10) != 0)
      return fmt::format("st{} differs", index);
  if (auto text = first_difference("vector bytes", want.vector[0], have.vector[0], sizeof want.vector, 0);
      !text.empty())
    return text;
  if (auto text = first_difference("stack CFA", expected.stack.data(), actual.stack.data(), expected.stack.size(),
                                   expected.lowest);
      !text.empty())
    return text;
  return first_difference("state buffer", expected.buffer.data(), actual.buffer.data(), expected.buffer.size(), 0);
}

std::string describe(const TransitionScript &script) {
  constexpr const char *registers[] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
  constexpr const char *steps[] = {"add", "mul", "shl", "and", "zext", "sext"};
  std::string text = fmt::format("CFA = rsp{:+}, final rsp = CFA{:+}, buffer {} (result at {})\n", script.cfa_from_sp,
                                 script.final_sp, script.state_buffer_size, script.result_area_offset);
  for (const Move &move : script.moves) {
    const ValueSource &source = move.source;
    std::string from;
    if (source.kind == ValueSource::Kind::Register)
      from = registers[unsigned(source.reg)];
    else if (source.kind == ValueSource::Kind::Constant)
      from = fmt::format("{:#x}", source.constant);
    else
      from = fmt::format("{}CFA{:+}", source.kind == ValueSource::Kind::Frame ? "memory at " : "", source.cfa_offset);
    for (const RecipeStep &step : source.recipe)
      from += fmt::format(" {} {}", steps[unsigned(step.kind)], step.operand);
    std::string to = fmt::format("buffer+{}", move.target.offset);
    if (move.target.kind == ValueTarget::Kind::Register)
      to = registers[unsigned(move.target.reg)];
    else if (move.target.kind == ValueTarget::Kind::Frame)
      to = fmt::format("memory at CFA{:+}", move.target.offset);
    text += fmt::format("  {} <- {} ({} bytes)\n", to, from, move.size);
  }
  return text;
}

} // namespace osr::test
