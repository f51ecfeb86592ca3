#include "osr-stubs/script_check.h"

#include "compiler/base/check.h"
#include "osr-stubs/machine.h"
#include "osr-stubs/result_area.h"

#include <algorithm>

namespace osr {

namespace {

// Far less than 2 GiB, so that no offset that is computed from two of them overflows.
constexpr std::int32_t widest_frame = 1 << 28;

void check_step(const RecipeStep &step) {
  const std::int64_t operand = step.operand;
  switch (step.kind) {
  case RecipeStep::Kind::Add:
  case RecipeStep::Kind::Multiply:
  case RecipeStep::Kind::And: return;
  case RecipeStep::Kind::ShiftLeft: OSR_CHECK(operand >= 0 && operand < 64, "shift by {}", operand); return;
  case RecipeStep::Kind::ZeroExtend:
  case RecipeStep::Kind::SignExtend: OSR_CHECK(operand >= 1 && operand <= 64, "extension of {} bits", operand); return;
  }
}

void check_move(const TransitionScript &script, const Move &move) {
  const bool scalar = move.size <= 8;
  OSR_CHECK(move.size > 0 && move.size < std::uint32_t(widest_frame), "move of {} bytes", move.size);
  OSR_CHECK(scalar || move.source.kind == ValueSource::Kind::Frame, "{} bytes from a source that has 8", move.size);
  OSR_CHECK(scalar || move.source.recipe.empty(), "recipe for a value of {} bytes", move.size);
  OSR_CHECK(move.source.cfa_offset > -widest_frame && move.source.cfa_offset < widest_frame, "source at CFA{:+}",
            move.source.cfa_offset);
  for (const RecipeStep &step : move.source.recipe)
    check_step(step);
  const std::int64_t end = std::int64_t(move.target.offset) + move.size;
  switch (move.target.kind) {
  case ValueTarget::Kind::Register: OSR_CHECK(scalar, "{} bytes to a register", move.size); return;
  case ValueTarget::Kind::Frame:
    OSR_CHECK(move.target.offset > -widest_frame && end <= -8, "target CFA{:+}, {} bytes: not below the return PC",
              move.target.offset, move.size);
    return;
  case ValueTarget::Kind::StateBuffer:
    OSR_CHECK(move.target.offset >= 0 && end <= script.state_buffer_size, "target {}..{} of a state buffer of {} bytes",
              move.target.offset, end, script.state_buffer_size);
    return;
  }
}

} // namespace

void check_script(const TransitionScript &script) {
  OSR_CHECK(script.cfa_from_sp >= 8 && script.cfa_from_sp % 8 == 0 && script.cfa_from_sp < widest_frame,
            "CFA = rsp{:+}", script.cfa_from_sp);
  OSR_CHECK(script.final_sp <= -8 && script.final_sp % 8 == 0 && script.final_sp > -widest_frame, "final rsp = CFA{:+}",
            script.final_sp);
  for (const Move &move : script.moves)
    check_move(script, move);
  if (script.state_buffer_size == 0)
    return;
  OSR_CHECK(script.state_buffer_size % 16 == 0 && script.state_buffer_size < std::uint32_t(widest_frame),
            "state buffer of {} bytes", script.state_buffer_size);
  OSR_CHECK(script.result_area_offset + result_area_size(script.result) <= script.state_buffer_size,
            "result area at {} of a state buffer of {} bytes", script.result_area_offset, script.state_buffer_size);
  OSR_CHECK(script.result.vector_bytes <= vector_register_bytes() && script.result.x87 <= 2,
            "result in {} vector bytes and {} x87 values; this machine's vector registers have {} bytes",
            script.result.vector_bytes, script.result.x87, vector_register_bytes());
}

std::int32_t lowest_new_offset(const TransitionScript &script) {
  std::int32_t lowest = script.final_sp;
  for (const Move &move : script.moves)
    if (move.target.kind == ValueTarget::Kind::Frame)
      lowest = std::min(lowest, move.target.offset);
  return lowest;
}

} // namespace osr
