#include "runtime/control/source_values.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

std::int64_t as_signed(std::uint64_t value, std::uint64_t bits) {
  const std::uint64_t shift = 64 - bits;
  return std::int64_t(value << shift) >> shift;
}

/// JSON has no infinity.
json number(double value, const std::string &text) { return std::isfinite(value) ? json(value) : json(text); }

json enumerator(const SourceType &type, std::uint64_t value, std::uint64_t bits) {
  const std::int64_t number = type.is_signed ? as_signed(value, bits) : std::int64_t(value);
  const auto found = find_if(type.enumerators, [&](const auto &known) { return known.first == number; });
  if (found != type.enumerators.end())
    return found->second;
  return type.is_signed ? json(number) : json(value);
}

} // namespace

bool SourceValues::is_known(std::uint64_t bit_offset, std::uint64_t bits) const {
  if (bits == 0 || bit_offset + bits > bytes_.size() * 8)
    return false;
  for (std::uint64_t byte = bit_offset / 8; byte <= (bit_offset + bits - 1) / 8; ++byte)
    if (!known_.test(unsigned(byte)))
      return false;
  return true;
}

/// Of at most 64 bits.
std::optional<std::uint64_t> SourceValues::read(std::uint64_t bit_offset, std::uint64_t bits) const {
  if (bits > 64 || !is_known(bit_offset, bits))
    return std::nullopt;
  std::uint64_t value = 0;
  for (std::uint64_t bit = 0; bit != bits; ++bit) {
    const std::uint64_t at = bit_offset + bit;
    value |= std::uint64_t((bytes_[at / 8] >> (at % 8)) & 1) << bit;
  }
  return value;
}

json SourceValues::show(const SourceType &type, std::uint64_t bit_offset, unsigned bits) const {
  if (type.kind == SourceType::Kind::Structure)
    return show_structure(type, bit_offset);
  if (type.kind == SourceType::Kind::Array)
    return show_array(type, bit_offset);
  if (type.kind == SourceType::Kind::Float)
    return show_float(type, bit_offset);
  const std::uint64_t size = bits ? bits : type.bits;
  const std::optional<std::uint64_t> value = read(bit_offset, size);
  if (!value)
    return nullptr;
  switch (type.kind) {
  case SourceType::Kind::Signed:
  case SourceType::Kind::Character: return as_signed(*value, size);
  case SourceType::Kind::Unsigned:
  case SourceType::Kind::UnsignedCharacter: return *value;
  case SourceType::Kind::Boolean: return *value != 0;
  case SourceType::Kind::Pointer: return fmt::format("{:#x}", *value);
  case SourceType::Kind::Enumeration: return enumerator(type, *value, size);
  case SourceType::Kind::Float:
  case SourceType::Kind::Structure:
  case SourceType::Kind::Array:
  case SourceType::Kind::Other: break;
  }
  return nullptr;
}

json SourceValues::show_structure(const SourceType &type, std::uint64_t bit_offset) const {
  json shown = json::object();
  bool is_known = false;
  for (const SourceType::Member &member : type.members) {
    json value = show(type_of_(member.type), bit_offset + member.bit_offset, unsigned(member.bits));
    is_known |= !value.is_null();
    if (member.name.empty() && value.is_object()) // what it has are the outer one's
      shown.update(value);
    else
      shown[member.name] = std::move(value);
  }
  return is_known ? shown : json();
}

json SourceValues::show_array(const SourceType &type, std::uint64_t bit_offset) const {
  const SourceType &element = type_of_(type.element);
  json shown = json::array();
  bool is_known = false;
  for (std::uint64_t i = 0; i != std::min<std::uint64_t>(type.count, most_elements); ++i) {
    shown.push_back(show(element, bit_offset + i * element.bits, 0));
    is_known |= !shown.back().is_null();
  }
  return is_known ? shown : json();
}

json SourceValues::show_float(const SourceType &type, std::uint64_t bit_offset) const {
  if (bit_offset % 8 != 0 || !is_known(bit_offset, type.bits))
    return nullptr;
  const std::uint8_t *at = bytes_.data() + bit_offset / 8;
  if (type.bits == 32) {
    float value = 0;
    std::memcpy(&value, at, sizeof(value));
    return number(value, fmt::format("{}", value));
  }
  if (type.bits == 64) {
    double value = 0;
    std::memcpy(&value, at, sizeof(value));
    return number(value, fmt::format("{}", value));
  }
  return nullptr; // two formats have 128 bits, and debug information does not tell them apart
}

} // namespace osr
