#include "osr-stubs/interpreter.h"

#include "osr-stubs/recipe.h"
#include "osr-stubs/thread_state.h"

#include <alloca.h>
#include <cstddef>
#include <cstring>

namespace osr {

namespace {

std::size_t scratch_bytes(const Move &move) { return (std::size_t(move.size) + 7) / 8 * 8; }

std::uint8_t *frame_memory(const SaveArea &area, std::int32_t cfa_offset) {
  return reinterpret_cast<std::uint8_t *>(area.cfa + std::int64_t(cfa_offset));
}

/// The raw source of at most 8 bytes.
std::uint64_t read_scalar(const ValueSource &source, std::uint32_t size, const SaveArea &area) {
  switch (source.kind) {
  case ValueSource::Kind::Register: return area.callee_saved[unsigned(source.reg)];
  case ValueSource::Kind::Frame: {
    std::uint64_t value = 0;
    std::memcpy(&value, frame_memory(area, source.cfa_offset), size);
    return value;
  }
  case ValueSource::Kind::Constant: return source.constant;
  case ValueSource::Kind::FrameAddress: return area.cfa + std::int64_t(source.cfa_offset);
  }
  __builtin_unreachable();
}

void read_move(const Move &move, const SaveArea &area, std::uint8_t *to) {
  if (move.size > 8) {
    std::memcpy(to, frame_memory(area, move.source.cfa_offset), move.size);
    return;
  }
  std::uint64_t value = zero_extend(read_scalar(move.source, move.size, area), 8 * move.size);
  value = apply_recipe(value, move.source.recipe);
  std::memcpy(to, &value, 8);
}

void write_move(const Move &move, SaveArea &area, const std::uint8_t *from) {
  switch (move.target.kind) {
  case ValueTarget::Kind::Register: std::memcpy(&area.callee_saved[unsigned(move.target.reg)], from, 8); return;
  case ValueTarget::Kind::Frame: std::memcpy(frame_memory(area, move.target.offset), from, move.size); return;
  case ValueTarget::Kind::StateBuffer:
    std::memcpy(reinterpret_cast<void *>(area.state_buffer + std::uint32_t(move.target.offset)), from, move.size);
    return;
  }
}

} // namespace

void interpret_transition(const TransitionScript &script, SaveArea &area) noexcept {
  std::size_t total = 0;
  for (const Move &move : script.moves)
    total += scratch_bytes(move);
  // A stub cannot take memory from the heap: the code that it interrupts may be inside malloc's caller.
  auto *scratch = static_cast<std::uint8_t *>(alloca(total));

  std::uint8_t *next = scratch;
  for (const Move &move : script.moves) {
    read_move(move, area, next);
    next += scratch_bytes(move);
  }

  for (std::uint64_t *counter : script.counters)
    if (counter)
      ++*counter;
  if (script.traced)
    script.traced->ring->push(*script.traced);
  if (script.state_buffer_size != 0) {
    osr_object_stack_top -= script.state_buffer_size;
    area.state_buffer = reinterpret_cast<std::uint64_t>(osr_object_stack_top);
    save_result(script.result, area, reinterpret_cast<std::uint8_t *>(area.state_buffer + script.result_area_offset));
  }

  next = scratch;
  for (const Move &move : script.moves) {
    write_move(move, area, next);
    next += scratch_bytes(move);
  }
  area.final_sp = area.cfa + std::int64_t(script.final_sp);
  area.target_pc = script.target_pc;
}

} // namespace osr

// The trampoline's call: C linkage and a fixed name.
extern "C" void osr_interpret_transition(const osr::TransitionScript *script, osr::SaveArea *area) noexcept {
  osr::interpret_transition(*script, *area);
}
