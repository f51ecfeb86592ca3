#include "runtime/stackmap/record_codec.h"

#include "compiler/base/check.h"

#include <llvm/Support/LEB128.h>

#include <iterator>

namespace osr {

namespace {

constexpr std::uint32_t size_codes[] = {8, 1, 2, 4, 16, 32, 64};
constexpr unsigned explicit_size = 7;
constexpr std::uint32_t offset_units[] = {1, 4, 8};
constexpr std::uint8_t recipe_bit = 1 << 5;

static_assert(std::size(size_codes) == explicit_size, "the size code has 3 bits, the last code means 'explicit'");

void put_unsigned(RecordBytes &bytes, std::uint64_t value) {
  std::uint8_t buffer[16];
  bytes.append(buffer, buffer + llvm::encodeULEB128(value, buffer));
}

void put_signed(RecordBytes &bytes, std::int64_t value) {
  std::uint8_t buffer[16];
  bytes.append(buffer, buffer + llvm::encodeSLEB128(value, buffer));
}

std::uint64_t take_unsigned(const std::uint8_t *&position, const std::uint8_t *end) {
  unsigned length = 0;
  const std::uint64_t value = llvm::decodeULEB128(position, &length, end);
  position += length;
  return value;
}

std::int64_t take_signed(const std::uint8_t *&position, const std::uint8_t *end) {
  unsigned length = 0;
  const std::int64_t value = llvm::decodeSLEB128(position, &length, end);
  position += length;
  return value;
}

std::uint8_t take_byte(const std::uint8_t *&position, const std::uint8_t *end) {
  OSR_CHECK(position != end, "a site record ends too early");
  return *position++;
}

unsigned size_code(std::uint32_t size) {
  unsigned code = 0;
  while (code != explicit_size && size_codes[code] != size)
    ++code;
  return code;
}

unsigned unit_code(std::int32_t offset) { return offset % 8 == 0 ? 2 : offset % 4 == 0 ? 1 : 0; }

void encode_value(const RecordedValue &value, RecordBytes &bytes) {
  const ValueSource &source = value.source;
  const bool in_frame = source.kind == ValueSource::Kind::Frame || source.kind == ValueSource::Kind::FrameAddress;
  const unsigned size = size_code(value.size);
  const unsigned unit = in_frame ? unit_code(source.cfa_offset) : 0;
  const unsigned recipe = source.recipe.empty() ? 0 : recipe_bit;
  bytes.push_back(std::uint8_t(unsigned(source.kind) | size << 2 | recipe | unit << 6));
  if (size == explicit_size)
    put_unsigned(bytes, value.size);
  switch (source.kind) {
  case ValueSource::Kind::Register: bytes.push_back(std::uint8_t(source.reg)); break;
  case ValueSource::Kind::Frame:
  case ValueSource::Kind::FrameAddress: put_signed(bytes, source.cfa_offset / std::int32_t(offset_units[unit])); break;
  case ValueSource::Kind::Constant: put_signed(bytes, std::int64_t(source.constant)); break;
  }
  if (source.recipe.empty())
    return;
  put_unsigned(bytes, source.recipe.size());
  for (const RecipeStep &step : source.recipe) {
    bytes.push_back(std::uint8_t(step.kind));
    put_signed(bytes, step.operand);
  }
}

RecordedValue decode_value(const std::uint8_t *&position, const std::uint8_t *end) {
  RecordedValue value;
  ValueSource &source = value.source;
  const std::uint8_t header = take_byte(position, end);
  const unsigned size = header >> 2 & 7;
  source.kind = ValueSource::Kind(header & 3);
  value.size = size == explicit_size ? std::uint32_t(take_unsigned(position, end)) : size_codes[size];
  switch (source.kind) {
  case ValueSource::Kind::Register: source.reg = SavedRegister(take_byte(position, end)); break;
  case ValueSource::Kind::Frame:
  case ValueSource::Kind::FrameAddress:
    source.cfa_offset = std::int32_t(take_signed(position, end) * offset_units[header >> 6]);
    break;
  case ValueSource::Kind::Constant: source.constant = std::uint64_t(take_signed(position, end)); break;
  }
  if (header & recipe_bit)
    for (std::uint64_t left = take_unsigned(position, end); left != 0; --left) {
      const auto kind = RecipeStep::Kind(take_byte(position, end));
      source.recipe.push_back({kind, take_signed(position, end)});
    }
  return value;
}

} // namespace

void encode_record(const SiteRecord &record, FunctionId base_function, RecordBytes &bytes) {
  OSR_CHECK(!record.frames.empty(), "site record at offset {:#x} has no frame", record.return_pc_offset);
  std::uint8_t offset[4];
  llvm::support::endian::write32le(offset, record.return_pc_offset);
  bytes.append(offset, offset + sizeof offset);
  put_unsigned(bytes, record.frames.size() * 2 + record.certified);
  for (const FrameRecord &frame : record.frames) {
    put_signed(bytes, std::int64_t(frame.site.function) - base_function);
    put_unsigned(bytes, frame.site.index);
    put_unsigned(bytes, frame.values.size());
    for (const RecordedValue &value : frame.values)
      encode_value(value, bytes);
  }
}

RecordHead decode_head(const std::uint8_t *&position, const std::uint8_t *end) noexcept {
  RecordHead head;
  head.return_pc_offset = decode_offset(position);
  position += sizeof head.return_pc_offset;
  const std::uint64_t frames = take_unsigned(position, end);
  head.frame_count = std::uint32_t(frames >> 1);
  head.certified = frames & 1;
  return head;
}

SiteId decode_site(const std::uint8_t *&position, const std::uint8_t *end, FunctionId base_function) noexcept {
  SiteId site;
  site.function = FunctionId(base_function + take_signed(position, end));
  site.index = std::uint32_t(take_unsigned(position, end));
  return site;
}

SiteRecord decode_record(const std::uint8_t *&position, const std::uint8_t *end, FunctionId base_function) {
  const RecordHead head = decode_head(position, end);
  SiteRecord record{head.return_pc_offset, head.certified, {}};
  record.frames.reserve(head.frame_count);
  for (std::uint32_t f = 0; f != head.frame_count; ++f) {
    FrameRecord frame;
    frame.site = decode_site(position, end, base_function);
    const std::uint64_t values = take_unsigned(position, end);
    frame.values.reserve(values);
    for (std::uint64_t v = 0; v != values; ++v)
      frame.values.push_back(decode_value(position, end));
    record.frames.push_back(std::move(frame));
  }
  return record;
}

} // namespace osr
