// Places of variables as DWARF's expressions.
#include "runtime/inspect/debug_places.h"

#include "runtime/machine/dwarf_numbers.h"
#include "test/support/catch_header.h"

#include <fmt/format.h>
#include <llvm/DebugInfo/DIContext.h>
#include <llvm/DebugInfo/DWARF/DWARFExpressionPrinter.h>
#include <llvm/DebugInfo/DWARF/LowLevel/DWARFExpression.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

ValueSource frame_slot(std::int32_t offset) { return {.kind = ValueSource::Kind::Frame, .cfa_offset = offset}; }
ValueSource in_register() { return {.kind = ValueSource::Kind::Register, .reg = frame_pointer}; }
ValueSource constant(std::uint64_t value) { return {.kind = ValueSource::Kind::Constant, .constant = value}; }
ValueSource frame_address(std::int32_t offset) {
  return {.kind = ValueSource::Kind::FrameAddress, .cfa_offset = offset};
}

VariableAtSite part_of(VariableAtSite::Place place, std::int64_t addend, std::uint64_t bits,
                       std::uint64_t bit_offset = 0) {
  VariableAtSite part;
  part.place = place;
  part.value.kind = PointValue::Kind::State;
  part.value.size = 8;
  part.value.addend = addend;
  part.bits = bits;
  part.bit_offset = bit_offset;
  return part;
}

/// As text.
std::string place(ArrayRef<VariableAtSite> parts, std::uint64_t bits, ValueSource source) {
  FrameRecord record;
  record.values.push_back({std::move(source), 8});
  const auto bytes = debug_place(parts, bits, record, [](const std::string &symbol) -> std::optional<std::uint64_t> {
    return symbol == "known" ? std::optional<std::uint64_t>(0x1000) : std::nullopt;
  });
  if (bytes.empty())
    return "";
  std::string text;
  raw_string_ostream to(text);
  DataExtractor data(bytes, /*IsLittleEndian=*/true, /*AddressSize=*/8);
  DWARFExpression expression(data, 8);
  printDwarfExpression(&expression, to, DIDumpOptions(), nullptr);
  return text;
}

std::string value_place(ValueSource source, std::int64_t addend = 0, std::uint64_t bits = 32) {
  return place(part_of(VariableAtSite::Place::Value, addend, bits), bits, std::move(source));
}
std::string memory_place(ValueSource source, std::int64_t addend = 0) {
  return place(part_of(VariableAtSite::Place::Memory, addend, 320), 320, std::move(source));
}

const std::string number = fmt::format("{}", dwarf_number(frame_pointer));

TEST_CASE("values are where records have them") {
  CHECK(value_place(frame_slot(-24)) == "DW_OP_fbreg -24");
  CHECK(value_place(in_register()) == "DW_OP_reg" + number);
  CHECK(value_place(constant(7)) == "DW_OP_implicit_value 0x4 0x07 0x00 0x00 0x00");
  CHECK(value_place(frame_address(-8), 0, 64) == "DW_OP_fbreg -8, DW_OP_stack_value");
}

TEST_CASE("values that are computed") {
  CHECK(value_place(in_register(), 4) ==
        "DW_OP_breg" + number + " +0, DW_OP_const8u 0x4, DW_OP_plus, DW_OP_stack_value");
  CHECK(value_place(constant(7), -3) == "DW_OP_implicit_value 0x4 0x04 0x00 0x00 0x00");
  ValueSource source = frame_slot(-16);
  source.recipe = {{RecipeStep::Kind::SignExtend, 32}, {RecipeStep::Kind::Multiply, 3}, {RecipeStep::Kind::And, 0xff}};
  CHECK(value_place(source) ==
        "DW_OP_fbreg -16, DW_OP_deref_size 0x8, DW_OP_const8u 0x20, DW_OP_shl, DW_OP_const8u 0x20, "
        "DW_OP_shra, DW_OP_const8u 0x3, DW_OP_mul, DW_OP_const8u 0xff, DW_OP_and, DW_OP_stack_value");
  CHECK(value_place(in_register(), 0, 128).empty()); // wider than what there is
}

TEST_CASE("memory is where its address says") {
  CHECK(memory_place(in_register()) == "DW_OP_breg" + number + " +0");
  CHECK(memory_place(frame_slot(-32), 16) == "DW_OP_fbreg -32, DW_OP_deref_size 0x8, DW_OP_const8u 0x10, DW_OP_plus");
  VariableAtSite part = part_of(VariableAtSite::Place::Memory, 8, 32);
  part.value.kind = PointValue::Kind::Symbol;
  part.value.symbol = "known";
  CHECK(place(part, 32, {}) == "DW_OP_const8u 0x1008");
  part.value.symbol = "unknown";
  CHECK(place(part, 32, {}).empty());
}

TEST_CASE("parts of a variable") {
  using enum VariableAtSite::Place;
  const VariableAtSite low = part_of(Value, 0, 32), high = part_of(Value, 0, 32, 64);
  CHECK(place({low, high}, 128, frame_slot(-8)) ==
        "DW_OP_fbreg -8, DW_OP_piece 0x4, DW_OP_piece 0x4, DW_OP_fbreg -8, DW_OP_piece 0x4, DW_OP_piece 0x4");
  CHECK(place({high, low}, 96, frame_slot(-8)) ==
        "DW_OP_fbreg -8, DW_OP_piece 0x4, DW_OP_piece 0x4, DW_OP_fbreg -8, DW_OP_piece 0x4");
  CHECK(place({low, part_of(Value, 0, 32, 16)}, 64, frame_slot(-8)).empty()); // on each other
  CHECK(place(part_of(Value, 0, 3), 3, frame_slot(-8)).empty());
  CHECK(place(part_of(Nowhere, 0, 32), 32, frame_slot(-8)).empty());
  CHECK(place({part_of(Nowhere, 0, 32), part_of(Nowhere, 0, 32, 32)}, 64, frame_slot(-8)).empty());
}

} // namespace
} // namespace osr
