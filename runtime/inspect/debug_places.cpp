#include "runtime/inspect/debug_places.h"

#include "osr-stubs/recipe.h"
#include "runtime/code/debug_entries.h"
#include "runtime/machine/dwarf_numbers.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/BinaryFormat/Dwarf.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t word = sizeof(std::uint64_t);

/// The expression of one part.
class PlaceWriter {
public:
  PlaceWriter(const FrameRecord &inlined, AddressOf address_of) : inlined_(inlined), address_of_(address_of) {}

  /// False: it is nowhere, and nothing was written.
  bool write(const VariableAtSite &part) {
    const std::uint64_t bytes = part.bits / 8;
    switch (part.place) {
    case VariableAtSite::Place::Nowhere: return false;
    case VariableAtSite::Place::Value: return write_value(part.value, bytes);
    case VariableAtSite::Place::Memory: return push(part.value);
    }
    return false;
  }

  void end_part(std::uint64_t bytes) {
    operation(dwarf::DW_OP_piece);
    to_.uleb(bytes);
  }
  DwarfBytes take() { return to_.take(); }

private:
  /// Where the value is, if it is as it is; else how it is computed.
  bool write_value(const PointValue &value, std::uint64_t bytes) {
    if (bytes > std::max<std::uint64_t>(value.size, word))
      return false;
    if (value.kind == PointValue::Kind::State && value.addend == 0) {
      const ValueSource &source = source_of(value);
      if (source.kind == ValueSource::Kind::Frame && source.recipe.empty())
        return at_frame(source.cfa_offset);
      if (source.kind == ValueSource::Kind::Register && source.recipe.empty() && bytes <= word)
        return in_register(source.reg);
    }
    if (const auto known = constant_of(value))
      return write_constant(*known, bytes);
    if (bytes > word || !push(value))
      return false;
    operation(dwarf::DW_OP_stack_value);
    return true;
  }

  /// Nothing: it is known only when the program runs.
  std::optional<std::uint64_t> constant_of(const PointValue &value) const {
    switch (value.kind) {
    case PointValue::Kind::Unknown: return std::nullopt;
    case PointValue::Kind::Constant: return value.constant + std::uint64_t(value.addend);
    case PointValue::Kind::Symbol:
      if (const auto address = address_of_(value.symbol))
        return *address + std::uint64_t(value.addend);
      return std::nullopt;
    case PointValue::Kind::State:
      if (const ValueSource &source = source_of(value); source.kind == ValueSource::Kind::Constant)
        return apply_recipe(source.constant, source.recipe) + std::uint64_t(value.addend);
      return std::nullopt;
    }
    return std::nullopt;
  }

  /// The bytes in front are those of the number.
  bool write_constant(std::uint64_t value, std::uint64_t bytes) {
    operation(dwarf::DW_OP_implicit_value);
    to_.uleb(bytes);
    to_.number(value, unsigned(std::min(bytes, word)));
    for (std::uint64_t i = word; i < bytes; ++i)
      to_.number(std::uint8_t(0));
    return true;
  }

  /// On DWARF's stack.
  bool push(const PointValue &value) {
    if (const auto known = constant_of(value)) {
      operation(dwarf::DW_OP_const8u);
      to_.number(*known);
      return true;
    }
    if (value.kind != PointValue::Kind::State || value.size > word)
      return false;
    const ValueSource &source = source_of(value);
    switch (source.kind) {
    case ValueSource::Kind::Register: from_register(source.reg); break;
    case ValueSource::Kind::Constant: return false; // a known one
    case ValueSource::Kind::FrameAddress: at_frame(source.cfa_offset); break;
    case ValueSource::Kind::Frame:
      at_frame(source.cfa_offset);
      operation(dwarf::DW_OP_deref_size);
      to_.number(std::uint8_t(value.size));
      break;
    }
    for (const RecipeStep &step : source.recipe)
      apply(step);
    add(value.addend);
    return true;
  }

  void apply(const RecipeStep &step) {
    switch (step.kind) {
    case RecipeStep::Kind::Add: return add(step.operand);
    case RecipeStep::Kind::Multiply: return with_constant(std::uint64_t(step.operand), dwarf::DW_OP_mul);
    case RecipeStep::Kind::ShiftLeft: return with_constant(std::uint64_t(step.operand), dwarf::DW_OP_shl);
    case RecipeStep::Kind::And: return with_constant(std::uint64_t(step.operand), dwarf::DW_OP_and);
    case RecipeStep::Kind::ZeroExtend:
      return with_constant(zero_extend(~std::uint64_t(0), step.operand), dwarf::DW_OP_and);
    case RecipeStep::Kind::SignExtend:
      with_constant(64 - std::uint64_t(step.operand), dwarf::DW_OP_shl);
      return with_constant(64 - std::uint64_t(step.operand), dwarf::DW_OP_shra);
    }
  }

  void add(std::int64_t addend) {
    if (addend != 0)
      with_constant(std::uint64_t(addend), dwarf::DW_OP_plus);
  }
  void with_constant(std::uint64_t constant, dwarf::LocationAtom what) {
    operation(dwarf::DW_OP_const8u);
    to_.number(constant);
    operation(what);
  }
  bool at_frame(std::int64_t cfa_offset) {
    operation(dwarf::DW_OP_fbreg);
    to_.sleb(cfa_offset);
    return true;
  }
  bool in_register(SavedRegister reg) {
    operation(dwarf::LocationAtom(dwarf::DW_OP_reg0 + dwarf_number(reg)));
    return true;
  }
  void from_register(SavedRegister reg) {
    operation(dwarf::LocationAtom(dwarf::DW_OP_breg0 + dwarf_number(reg)));
    to_.sleb(0);
  }
  void operation(dwarf::LocationAtom what) { to_.number(std::uint8_t(what)); }

  const ValueSource &source_of(const PointValue &value) const { return inlined_.values[value.index].source; }

  const FrameRecord &inlined_;
  AddressOf address_of_;
  DwarfWriter to_;
};

} // namespace

std::vector<std::uint8_t> debug_place(ArrayRef<VariableAtSite> parts, std::uint64_t bits, const FrameRecord &inlined,
                                      AddressOf address_of) {
  std::vector<const VariableAtSite *> sorted;
  for (const VariableAtSite &part : parts) {
    if (part.bit_offset % 8 != 0 || part.bits % 8 != 0 || part.bits == 0 || part.bit_offset + part.bits > bits)
      return {};
    sorted.push_back(&part);
  }
  std::ranges::sort(sorted, {}, &VariableAtSite::bit_offset);
  PlaceWriter writer(inlined, address_of);
  if (sorted.size() == 1 && sorted.front()->bits == bits)
    return writer.write(*sorted.front()) ? writer.take() : std::vector<std::uint8_t>();
  std::uint64_t end = 0;
  bool is_known = false;
  for (const VariableAtSite *part : sorted) {
    if (part->bit_offset < end)
      return {};
    if (part->bit_offset > end)
      writer.end_part((part->bit_offset - end) / 8); // nowhere
    is_known |= writer.write(*part);
    writer.end_part(part->bits / 8);
    end = part->bit_offset + part->bits;
  }
  if (end < bits)
    writer.end_part((bits - end) / 8);
  return is_known ? writer.take() : std::vector<std::uint8_t>();
}

} // namespace osr
