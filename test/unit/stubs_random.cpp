// Random transition scripts.
#include "test/unit/stubs_oracle.h"

#include "osr-stubs/machine.h"
#include "osr-stubs/result_area.h"

#include <algorithm>
#include <numeric>

namespace osr::test {

namespace {

class Generator {
public:
  explicit Generator(std::mt19937_64 &random) : random_(random) {}
  TransitionScript script();

private:
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool chance(int percent) { return between(1, 100) <= percent; }

  std::uint32_t size();
  std::uint64_t number();
  RecipeStep step();
  ValueSource source(const ValueTarget &target, std::uint32_t size);
  std::int32_t frame_offset(const ValueTarget &target, std::uint32_t size);
  void add(ValueTarget target, std::uint32_t size);
  void add_frame_targets();
  void add_buffer_targets();
  void add_register_targets();
  void add_result();
  TransitionScript tangle();
  void find_caller_registers();

  std::mt19937_64 &random_;
  TransitionScript script_;
  bool permutes_ = false; ///< sources are mostly other targets: many circles
  std::size_t limit_ = 0;
};

std::uint32_t Generator::size() {
  if (chance(60))
    return 8;
  if (chance(50))
    return std::uint32_t(1) << between(0, 2);
  if (chance(60))
    return std::uint32_t(16) << between(0, 2);
  return std::uint32_t(between(1, 150));
}

std::uint64_t Generator::number() {
  if (chance(30))
    return std::uint64_t(between(-2, 2));
  if (chance(50))
    return std::uint64_t(between(INT32_MIN, INT32_MAX));
  return random_() >> between(0, 63);
}

RecipeStep Generator::step() {
  const auto kind = RecipeStep::Kind(between(0, 5));
  switch (kind) {
  case RecipeStep::Kind::ShiftLeft: return {kind, between(0, 63)};
  case RecipeStep::Kind::ZeroExtend:
  case RecipeStep::Kind::SignExtend: return {kind, chance(60) ? std::int64_t(8) << between(0, 3) : between(1, 64)};
  case RecipeStep::Kind::Add:
  case RecipeStep::Kind::Multiply:
  case RecipeStep::Kind::And: return {kind, std::int64_t(number())};
  }
  __builtin_unreachable();
}

/// Anywhere in the old frame, now and then in the arguments above it; often close to where the value goes.
std::int32_t Generator::frame_offset(const ValueTarget &target, std::uint32_t size) {
  const std::int64_t lowest = -script_.cfa_from_sp, highest = std::max(lowest, 64 - std::int64_t(size));
  if (permutes_ && chance(80)) {
    const ValueTarget &other = script_.moves[std::size_t(between(0, std::int64_t(script_.moves.size()) - 1))].target;
    if (other.kind == ValueTarget::Kind::Frame)
      return std::int32_t(std::clamp<std::int64_t>(other.offset, lowest, highest));
  }
  std::int64_t offset = between(lowest, highest);
  if (target.kind == ValueTarget::Kind::Frame && chance(40))
    offset = target.offset + 8 * between(-4, 4);
  else if (chance(80))
    offset = offset / 8 * 8;
  return std::int32_t(std::clamp(offset, lowest, highest));
}

ValueSource Generator::source(const ValueTarget &target, std::uint32_t size) {
  ValueSource source;
  source.kind = ValueSource::Kind::Frame;
  if (size <= 8 && chance(permutes_ ? 10 : 40))
    source.kind = ValueSource::Kind(between(0, 3));
  source.reg = SavedRegister(between(0, 5));
  source.constant = number();
  source.cfa_offset = frame_offset(target, size);
  if (size <= 8 && chance(20))
    for (std::int64_t count = between(1, 3); count > 0; --count)
      source.recipe.push_back(step());
  return source;
}

void Generator::add(ValueTarget target, std::uint32_t size) {
  if (script_.moves.size() < limit_)
    script_.moves.push_back({{}, target, size});
}

void Generator::add_frame_targets() {
  const std::int64_t lowest = script_.final_sp - (chance(20) ? 64 : 0);
  const bool dense = chance(50);
  for (std::int64_t offset = -8;;) {
    const std::uint32_t bytes = size();
    offset -= bytes;
    if (!dense)
      offset -= 8 * between(0, 6);
    if (chance(70))
      offset &= ~std::int64_t(7);
    if (offset < lowest)
      return;
    add({ValueTarget::Kind::Frame, SavedRegister::Rbx, std::int32_t(offset)}, bytes);
  }
}

void Generator::add_buffer_targets() {
  std::uint32_t offset = 0;
  for (std::int64_t count = between(0, 30); count > 0; --count) {
    const std::uint32_t bytes = size();
    add({ValueTarget::Kind::StateBuffer, SavedRegister::Rbx, std::int32_t(offset)}, bytes);
    offset += bytes + std::uint32_t(between(0, 8));
  }
  script_.result_area_offset = (offset + 15) / 16 * 16;
}

void Generator::add_register_targets() {
  for (std::int64_t reg = 0; reg < 6; ++reg)
    if (chance(50))
      add({ValueTarget::Kind::Register, SavedRegister(reg), 0}, chance(80) ? 8 : std::uint32_t(between(1, 8)));
}

void Generator::add_result() {
  ResultRegisters &result = script_.result;
  result.general = chance(50);
  result.stacked_floats = chance(30) ? std::uint8_t(between(1, 2)) : 0;
  if (chance(50))
    result.vector_bytes = std::uint8_t(std::min<std::int64_t>(16 << between(0, 2), vector_register_bytes()));
  script_.state_buffer_size = script_.result_area_offset + result_area_size(result);
  script_.state_buffer_size = std::max<std::uint32_t>(16, (script_.state_buffer_size + 15) / 16 * 16);
}

/// Values that are permuted and shifted by half: each covers two targets, so that all circles hang together and take
/// more holders than there are registers.
TransitionScript Generator::tangle() {
  const auto bytes = std::int32_t(8 << between(0, 2)), count = std::int32_t(between(100, 300));
  script_.cfa_from_sp = (16 + bytes * (count + 1)) / 16 * 16 + 16;
  script_.final_sp = -script_.cfa_from_sp + 16 * std::int32_t(between(-40, 40));
  script_.final_sp = std::min(script_.final_sp, -16);
  std::vector<std::int32_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random_);
  for (std::int32_t slot = 0; slot < count; ++slot) {
    Move move;
    move.source.kind = ValueSource::Kind::Frame;
    move.source.cfa_offset = -script_.cfa_from_sp + bytes * order[std::size_t(slot)] + bytes / 2;
    move.target.offset = -script_.cfa_from_sp + bytes * slot;
    move.size = std::uint32_t(bytes);
    if (move.target.offset >= script_.final_sp)
      script_.moves.push_back(move);
  }
  // Where the new frame is larger, it has values of its own.
  for (std::int32_t offset = script_.final_sp; offset + 16 <= -script_.cfa_from_sp; offset += 16) {
    const ValueTarget target{ValueTarget::Kind::Frame, SavedRegister::Rbx, offset};
    script_.moves.push_back({source(target, 16), target, 16});
  }
  return script_;
}

/// Some move that takes 8 bytes to a register, or to where a register may be saved, is said to be the caller's.
void Generator::find_caller_registers() {
  std::array<bool, saved_register_count> is_known{};
  for (const Move &move : script_.moves) {
    const bool from_slot = move.source.kind == ValueSource::Kind::Frame && move.source.cfa_offset % 8 == 0 &&
                           move.source.cfa_offset <= -16 && move.size == 8 && move.source.recipe.empty();
    const bool from_register =
        move.source.kind == ValueSource::Kind::Register && move.size == 8 && move.source.recipe.empty();
    const bool to_slot = move.target.kind == ValueTarget::Kind::Frame && move.target.offset % 8 == 0 &&
                         move.target.offset >= script_.final_sp;
    const bool to_register = move.target.kind == ValueTarget::Kind::Register;
    unsigned reg = unsigned(between(0, saved_register_count - 1)); // of slots nobody says what they hold
    if (from_register)
      reg = unsigned(move.source.reg);
    else if (to_register)
      reg = unsigned(move.target.reg);
    if ((!from_slot && !from_register) || (!to_slot && !to_register) || (from_register && to_register) || is_known[reg])
      continue;
    is_known[reg] = true;
    script_.caller_before[reg] = from_slot ? move.source.cfa_offset : 0;
    script_.caller_after[reg] = to_slot ? move.target.offset : 0;
  }
}

TransitionScript Generator::script() {
  script_.target_pc = recorder();
  if (chance(2))
    return tangle();
  const auto frame_bytes = [&] { return std::int32_t(16 * (chance(90) ? between(1, 40) : between(40, 700))); };
  script_.cfa_from_sp = frame_bytes();
  const bool continues =
      chance(30); // as after the call that made the old frame, or elsewhere in a frame that was split
  script_.final_sp = continues && chance(60) ? -8 : chance(20) ? -script_.cfa_from_sp : -frame_bytes();
  permutes_ = chance(40);
  limit_ = chance(90) ? std::size_t(between(0, 40)) : 500;
  add_register_targets();
  if (continues) {
    add_buffer_targets();
    add_result();
  }
  add_frame_targets();
  for (Move &move : script_.moves)
    move.source = source(move.target, move.size);
  find_caller_registers();
  std::shuffle(script_.moves.begin(), script_.moves.end(), random_);
  return script_;
}

} // namespace

TransitionScript random_script(std::mt19937_64 &random) { return Generator(random).script(); }

} // namespace osr::test
