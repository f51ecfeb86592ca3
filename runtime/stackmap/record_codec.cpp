#include "runtime/stackmap/record_codec.h"

#include "compiler/base/check.h"

#include <llvm/Support/LEB128.h>

#include <cstring>
#include <iterator>

namespace osr {

namespace {

constexpr std::uint32_t size_codes[] = {8, 1, 2, 4, 16, 32, 64};
constexpr unsigned explicit_size = 7;
constexpr std::uint32_t offset_units[] = {1, 4, 8};
constexpr std::uint8_t recipe_bit = 1 << 5;

static_assert(std::size(size_codes) == explicit_size, "the size code has 3 bits, the last code means 'explicit'");
static_assert(std::size(offset_units) == number_mark >> 6, "the last code of a unit means a number");

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

void put_unsigned(RecordBytes &bytes, std::uint64_t value) {
  std::uint8_t buffer[16];
  bytes.append(buffer, buffer + llvm::encodeULEB128(value, buffer));
}

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

RecordReader::RecordReader(const std::uint8_t *begin, const std::uint8_t *end, OffsetBytes offsets) noexcept
    : end_(end), offsets_(offsets) {
  base_function_ = FunctionId(take(begin));
  shared_count_ = take(begin);
  shared_bytes_ = shared_count_ == 0 ? 0 : take(begin);
  positions_ = begin;
  shared_ = begin + shared_count_ * position_bytes(shared_bytes_);
}

std::uint64_t RecordReader::take(const std::uint8_t *&position) const noexcept { return take_unsigned(position, end_); }

RecordHead RecordReader::head(const std::uint8_t *&position) const noexcept {
  RecordHead head;
  head.return_pc_offset = decode_offset(position, offsets_);
  position += std::size_t(offsets_);
  const std::uint64_t frames = take(position);
  head.frame_count = std::uint32_t(frames >> 1);
  head.certified = frames & 1;
  return head;
}

/// `function` is what a frame begins with, and not 0.
SiteId RecordReader::take_site(const std::uint8_t *&position, std::uint64_t function) const noexcept {
  const std::uint64_t zigzag = function - 1;
  const auto distance = std::int64_t(zigzag >> 1) ^ -std::int64_t(zigzag & 1);
  const auto index = std::uint32_t(take(position));
  return {FunctionId(base_function_ + distance), index};
}

SiteId RecordReader::site(const std::uint8_t *position) const noexcept {
  const std::uint8_t *begin = position;
  if (const std::uint64_t function = take(position))
    return take_site(position, function);
  return site(begin - take(position));
}

RecordedValue RecordReader::shared_value(std::uint64_t number) const {
  OSR_CHECK(number < shared_count_, "value {} of {}", number, shared_count_);
  const unsigned size = position_bytes(shared_bytes_);
  std::uint32_t at = 0;
  std::memcpy(&at, positions_ + number * size, size);
  const std::uint8_t *position = shared_ + at;
  return decode_value(position, end_);
}

RecordedValue RecordReader::value_or_number(const std::uint8_t *&position) const {
  OSR_CHECK(position != end_, "a site record ends too early");
  if (*position < number_mark)
    return decode_value(position, end_);
  const std::uint8_t number = *position++;
  return shared_value(number == long_number ? first_long_number + take(position) : number - number_mark);
}

FrameRecord RecordReader::frame_behind(const std::uint8_t *&position, std::uint64_t function) const {
  FrameRecord frame;
  frame.site = take_site(position, function);
  const std::uint64_t values = take(position);
  frame.values.reserve(values);
  for (std::uint64_t i = 0; i != values; ++i)
    frame.values.push_back(value_or_number(position));
  return frame;
}

FrameRecord RecordReader::frame(const std::uint8_t *&position) const {
  const std::uint8_t *begin = position;
  if (const std::uint64_t function = take(position))
    return frame_behind(position, function);
  const std::uint8_t *written = begin - take(position);
  const std::uint64_t function = take(written);
  OSR_CHECK(function != 0, "a frame is the same as one that is not written");
  return frame_behind(written, function);
}

SiteRecord RecordReader::record(const std::uint8_t *&position) const {
  const RecordHead head = this->head(position);
  SiteRecord record{head.return_pc_offset, head.certified, {}};
  record.frames.reserve(head.frame_count);
  for (std::uint32_t i = 0; i != head.frame_count; ++i)
    record.frames.push_back(frame(position));
  return record;
}

} // namespace osr
