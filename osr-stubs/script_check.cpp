#include "osr-stubs/script_check.h"

#include "osr-stubs/frame_words.h"
#include "osr-stubs/machine.h"
#include "osr-stubs/result_area.h"

#include <fmt/format.h>

#include <algorithm>

namespace osr {

namespace {

using Objection = std::optional<std::string>;

// Far less than 2 GiB, so that no offset that is computed from two of them overflows.
constexpr std::int32_t widest_frame = 1 << 28;

Objection objection_to(const RecipeStep &step) {
  const std::int64_t operand = step.operand;
  switch (step.kind) {
  case RecipeStep::Kind::Add:
  case RecipeStep::Kind::Multiply:
  case RecipeStep::Kind::And: return std::nullopt;
  case RecipeStep::Kind::ShiftLeft:
    if (operand < 0 || operand >= 64)
      return fmt::format("shift by {}", operand);
    return std::nullopt;
  case RecipeStep::Kind::ZeroExtend:
  case RecipeStep::Kind::SignExtend:
    if (operand < 1 || operand > 64)
      return fmt::format("extension of {} bits", operand);
    return std::nullopt;
  }
  return fmt::format("step of unknown kind {}", int(step.kind));
}

Objection objection_to_source(const ValueSource &source, std::uint32_t size) {
  if (size == 0 || size >= std::uint32_t(widest_frame))
    return fmt::format("move of {} bytes", size);
  if (size > 8 && source.kind != ValueSource::Kind::Frame)
    return fmt::format("{} bytes from a source that has 8", size);
  if (size > 8 && !source.recipe.empty())
    return fmt::format("recipe for a value of {} bytes", size);
  if (source.cfa_offset <= -widest_frame || source.cfa_offset >= widest_frame)
    return fmt::format("source at CFA{:+}", source.cfa_offset);
  for (const RecipeStep &step : source.recipe)
    if (Objection objection = objection_to(step))
      return objection;
  return std::nullopt;
}

Objection objection_to(const TransitionScript &script, const Move &move) {
  if (Objection objection = objection_to_source(move.source, move.size))
    return objection;
  const std::int64_t end = std::int64_t(move.target.offset) + move.size;
  switch (move.target.kind) {
  case ValueTarget::Kind::Register:
    if (move.size > 8)
      return fmt::format("{} bytes to a register", move.size);
    return std::nullopt;
  case ValueTarget::Kind::Frame:
    if (move.target.offset <= -widest_frame || end > return_pc_cfa_offset)
      return fmt::format("target CFA{:+}, {} bytes: not below the return PC", move.target.offset, move.size);
    return std::nullopt;
  case ValueTarget::Kind::StateBuffer:
    if (move.target.offset < 0 || end > script.state_buffer_size)
      return fmt::format("target {}..{} of a state buffer of {} bytes", move.target.offset, end,
                         script.state_buffer_size);
    return std::nullopt;
  }
  return fmt::format("target of unknown kind {}", int(move.target.kind));
}

Objection objection_to_buffer(const TransitionScript &script) {
  if (script.state_buffer_size % call_alignment != 0 || script.state_buffer_size >= std::uint32_t(widest_frame))
    return fmt::format("state buffer of {} bytes", script.state_buffer_size);
  if (script.result_area_offset + result_area_size(script.result) > script.state_buffer_size)
    return fmt::format("result area at {} of a state buffer of {} bytes", script.result_area_offset,
                       script.state_buffer_size);
  if (script.result.vector_bytes > vector_register_bytes() || script.result.stacked_floats > most_stacked_floats)
    return fmt::format(
        "result in {} vector bytes and {} floats on a stack; this machine's vector registers have {} bytes",
        script.result.vector_bytes, script.result.stacked_floats, vector_register_bytes());
  return std::nullopt;
}

} // namespace

std::optional<std::string> objection_to(const TransitionScript &script) {
  if (script.cfa_from_sp < -return_pc_cfa_offset || script.cfa_from_sp % 8 != 0 || script.cfa_from_sp >= widest_frame)
    return fmt::format("CFA = {}{:+}", stack_pointer_name, script.cfa_from_sp);
  if (script.final_sp > return_pc_cfa_offset || script.final_sp % 8 != 0 || script.final_sp <= -widest_frame)
    return fmt::format("final {} = CFA{:+}", stack_pointer_name, script.final_sp);
  if (script.state_buffer_size == 0 &&
      script.final_sp % std::int32_t(call_alignment) != 0) // I6: as it was when the site's call was made
    return fmt::format("{} at the landing is CFA{:+}, not aligned to {} bytes", stack_pointer_name, script.final_sp,
                       call_alignment);
  for (const Move &move : script.moves)
    if (Objection objection = objection_to(script, move))
      return objection;
  return script.state_buffer_size == 0 ? std::nullopt : objection_to_buffer(script);
}

std::int32_t lowest_new_offset(const TransitionScript &script) {
  std::int32_t lowest = script.final_sp;
  for (const Move &move : script.moves)
    if (move.target.kind == ValueTarget::Kind::Frame)
      lowest = std::min(lowest, move.target.offset);
  return lowest;
}

} // namespace osr
