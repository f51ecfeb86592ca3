#include "osr-stubs/copies.h"

#include "osr-stubs/recipe.h"

#include <algorithm>

namespace osr {

namespace {

Copy whole_copy(const Move &move) {
  Copy copy{move.source.kind,
            move.source.reg,
            move.source.cfa_offset,
            move.source.constant,
            move.source.recipe,
            move.target,
            move.size,
            {}};
  if (copy.from == ValueSource::Kind::Constant) {
    copy.constant = apply_recipe(zero_extend(copy.constant, 8 * move.size), copy.recipe);
    copy.recipe = {};
  }
  return copy;
}

bool is_register(const ValueTarget &target) { return target.kind == ValueTarget::Kind::Register; }

bool is_at(const ValueSource &source, std::int32_t place, SavedRegister reg) {
  return place == 0 ? source.kind == ValueSource::Kind::Register && source.reg == reg
                    : source.kind == ValueSource::Kind::Frame && source.cfa_offset == place;
}

bool is_at(const ValueTarget &target, std::int32_t place, SavedRegister reg) {
  return place == 0 ? is_register(target) && target.reg == reg
                    : target.kind == ValueTarget::Kind::Frame && target.offset == place;
}

std::optional<SavedRegister> find_caller_register(const TransitionScript &script, const Move &move) {
  if (move.size != 8 || !move.source.recipe.empty())
    return std::nullopt;
  for (unsigned reg = 0; reg < saved_register_count; ++reg)
    if (is_at(move.source, script.caller_before[reg], SavedRegister(reg)) &&
        is_at(move.target, script.caller_after[reg], SavedRegister(reg)))
      return SavedRegister(reg);
  return std::nullopt;
}

/// Memory to memory: the widest pieces first, each a power of two.
void append_pieces(const Move &move, std::vector<Copy> &copies) {
  Copy piece = whole_copy(move);
  std::uint32_t width = widest_copy;
  for (std::uint32_t done = 0; done < move.size; done += width) {
    while (width > move.size - done)
      width /= 2;
    piece.size = width;
    copies.push_back(piece);
    piece.source_offset += std::int32_t(width);
    piece.target.offset += std::int32_t(width);
  }
}

/// Orders copies so that those that nothing can block come first and those that touch no memory last.
int rank(const Copy &copy) {
  switch (copy.target.kind) {
  case ValueTarget::Kind::StateBuffer: return 0;
  case ValueTarget::Kind::Frame: return 1;
  case ValueTarget::Kind::Register: return 2;
  }
  __builtin_unreachable();
}

} // namespace

std::vector<Copy> make_copies(const TransitionScript &script) {
  std::vector<Copy> copies;
  copies.reserve(script.moves.size());
  for (const Move &move : script.moves) {
    const bool memory_to_memory = move.source.kind == ValueSource::Kind::Frame && !is_register(move.target);
    if (memory_to_memory && move.source.recipe.empty())
      append_pieces(move, copies);
    else
      copies.push_back(whole_copy(move));
    copies.back().caller = find_caller_register(script, move);
  }
  std::stable_sort(copies.begin(), copies.end(), [](const Copy &a, const Copy &b) { return rank(a) < rank(b); });
  return copies;
}

} // namespace osr
