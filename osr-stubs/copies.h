// Moves as copies that each take one load and one store.
#pragma once

#include "osr-stubs/transition_script.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace osr {

/// Wider ones would leave upper halves of vector registers in use. Those may hold a result, so they cannot be cleared, and
/// SSE code to come would run at down to a third of its speed.
inline constexpr std::uint32_t widest_copy = 16;

/// A move, or a piece of a wide one, that takes one load and one store.
struct Copy {
  ValueSource::Kind from = ValueSource::Kind::Constant;
  SavedRegister source_reg{};
  std::int32_t source_offset = 0; ///< CFA-relative
  std::uint64_t constant = 0; ///< with the recipe already applied
  std::span<const RecipeStep> recipe; ///< points into the script
  ValueTarget target;
  std::uint32_t size = 8; ///< 1..8, or 16, 32, 64
  std::optional<SavedRegister>
      caller; ///< it takes the caller's value of this register from caller_before to caller_after
};

/// Those of a script: first those that nothing can block, last those that touch no memory. They refer to the script's recipes.
std::vector<Copy> make_copies(const TransitionScript &script);

} // namespace osr
