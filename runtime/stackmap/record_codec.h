// Site records as bytes: the inside of SiteTable. Private to runtime/stackmap.
//
//   bytes  := base function:uleb  shared count:uleb  [size of all shared:uleb  (position:1, 2 or 4 bytes)*  value*]  record*
//   record := offset:2 or 4 bytes  (frame count * 2 + certified):uleb  frame*
//   frame  := (1 + zigzag(function - base function)):uleb  site index:uleb  value count:uleb  (value | number)*
//           | 0  distance:uleb          the same as the frame that begins so many bytes before this one
//   value  := header:byte  [size:uleb]  payload  [step count:uleb  (kind:byte operand:sleb)*]
//   number := 0xc0 + n, n < 63 | 0xff (n - 63):uleb          the n'th of the shared values
//
// header: bits 0-1 kind, bits 2-4 size code (7: the size follows), bit 5 a recipe follows, bits 6-7 the unit of a frame
// offset (1, 4 or 8 bytes; most offsets are multiples of 8, so that one byte reaches 512 bytes of frame; 3: it is a number).
// payload: Register: the register; Frame, FrameAddress: offset / unit; Constant: the constant.
//
// Most values of a function wait at many of its sites, and so do the frames into which others were inlined: the former
// are shared where that is shorter, the latter are written once.
#pragma once

#include "runtime/stackmap/record.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Support/Endian.h>

#include <cstdint>
#include <vector>

namespace osr {

using RecordBytes = llvm::SmallVector<std::uint8_t, 0>;

/// The offset of a record's return PC has a fixed size, because every look-up compares it.
enum class OffsetBytes : std::uint8_t { Two = 2, Four = 4 };

inline std::uint32_t decode_offset(const std::uint8_t *record, OffsetBytes offsets) noexcept {
  return offsets == OffsetBytes::Two ? llvm::support::endian::read16le(record)
                                     : llvm::support::endian::read32le(record);
}

struct EncodedRecords {
  RecordBytes bytes;
  std::vector<std::uint32_t> positions; ///< of each record in `bytes`; not 0
};

/// Of one code object. Each has at least one frame.
EncodedRecords encode_records(llvm::ArrayRef<const SiteRecord *> records, OffsetBytes offsets);

/// Appends one value.
void encode_value(const RecordedValue &value, RecordBytes &bytes);
void put_unsigned(RecordBytes &bytes, std::uint64_t value);
inline constexpr std::uint8_t number_mark = 0xc0, long_number = 0xff;
inline constexpr std::uint32_t first_long_number = long_number - number_mark;
/// Of each position among `bytes` of shared values.
constexpr unsigned position_bytes(std::uint64_t bytes) { return bytes <= 0xff ? 1 : bytes <= 0xffff ? 2 : 4; }

/// The first fields of a record.
struct RecordHead {
  std::uint32_t return_pc_offset = 0;
  std::uint32_t frame_count = 0;
  bool certified = false;
};

/// Reads what encode_records has made. Each function moves `position` behind what it reads. Only record() allocates.
class RecordReader {
public:
  RecordReader(const std::uint8_t *begin, const std::uint8_t *end, OffsetBytes offsets) noexcept;

  const std::uint8_t *first_record() const noexcept { return shared_ + shared_bytes_; }
  RecordHead head(const std::uint8_t *&position) const noexcept;
  /// Of the first frame, behind the head.
  SiteId site(const std::uint8_t *position) const noexcept;
  SiteRecord record(const std::uint8_t *&position) const;

private:
  std::uint64_t take(const std::uint8_t *&position) const noexcept;
  SiteId take_site(const std::uint8_t *&position, std::uint64_t function) const noexcept;
  FrameRecord frame(const std::uint8_t *&position) const;
  FrameRecord frame_behind(const std::uint8_t *&position, std::uint64_t function) const;
  RecordedValue value_or_number(const std::uint8_t *&position) const;
  RecordedValue shared_value(std::uint64_t number) const;

  const std::uint8_t *end_;
  OffsetBytes offsets_;
  FunctionId base_function_;
  std::uint64_t shared_count_ = 0, shared_bytes_ = 0;
  const std::uint8_t *positions_ = nullptr, *shared_ = nullptr; ///< of shared values, and these
};

} // namespace osr
