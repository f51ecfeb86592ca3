// What the steps of a recipe compute. Shared by the interpreter and by the emitter, which folds constants with it.
#pragma once

#include "osr-stubs/transition_script.h"

#include <cstdint>
#include <span>

namespace osr {

/// The low `bits` bits of `value`; `bits` is 0..64.
inline std::uint64_t zero_extend(std::uint64_t value, std::uint64_t bits) {
  return bits >= 64 ? value : value & ((std::uint64_t(1) << bits) - 1);
}

/// The low `bits` bits of `value` as a signed number; `bits` is 1..64.
inline std::uint64_t sign_extend(std::uint64_t value, std::uint64_t bits) {
  const unsigned shift = 64 - unsigned(bits);
  return std::uint64_t(std::int64_t(value << shift) >> shift);
}

inline std::uint64_t apply_step(std::uint64_t value, const RecipeStep &step) {
  const auto operand = std::uint64_t(step.operand);
  switch (step.kind) {
  case RecipeStep::Kind::Add: return value + operand;
  case RecipeStep::Kind::Multiply: return value * operand;
  case RecipeStep::Kind::ShiftLeft: return value << operand;
  case RecipeStep::Kind::And: return value & operand;
  case RecipeStep::Kind::ZeroExtend: return zero_extend(value, operand);
  case RecipeStep::Kind::SignExtend: return sign_extend(value, operand);
  }
  __builtin_unreachable();
}

inline std::uint64_t apply_recipe(std::uint64_t value, std::span<const RecipeStep> recipe) {
  for (const RecipeStep &step : recipe)
    value = apply_step(value, step);
  return value;
}

} // namespace osr
