// Site records as bytes: the inside of SiteTable. Private to runtime/stackmap.
//
//   record := offset:4 bytes  (frame count * 2 + certified):uleb  frame*
//   frame  := (function - base function):sleb  site index:uleb  value count:uleb  value*
//   value  := header:byte  [size:uleb]  payload  [step count:uleb  (kind:byte operand:sleb)*]
//
// header: bits 0-1 kind, bits 2-4 size code (7: the size follows), bit 5 a recipe follows, bits 6-7 the unit of a frame
// offset (1, 4 or 8 bytes; most offsets are multiples of 8, so that one byte reaches 512 bytes of frame).
// payload: Register: the register; Frame, FrameAddress: offset / unit; Constant: the constant.
#pragma once

#include "runtime/stackmap/record.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Support/Endian.h>

#include <cstdint>

namespace osr {

using RecordBytes = llvm::SmallVector<std::uint8_t, 0>;

/// Appends `record` to `bytes`.
void encode_record(const SiteRecord &record, FunctionId base_function, RecordBytes &bytes);

/// Reads the record at `position` of bytes that encode_record made, and moves `position` behind it.
SiteRecord decode_record(const std::uint8_t *&position, const std::uint8_t *end, FunctionId base_function);

/// The first fields of a record, without allocation.
struct RecordHead {
  std::uint32_t return_pc_offset = 0;
  std::uint32_t frame_count = 0;
  bool certified = false;
};
RecordHead decode_head(const std::uint8_t *&position, const std::uint8_t *end) noexcept;

/// The record's key alone. It has a fixed size because every look-up compares it.
inline std::uint32_t decode_offset(const std::uint8_t *record) noexcept {
  return llvm::support::endian::read32le(record);
}
SiteId decode_site(const std::uint8_t *&position, const std::uint8_t *end, FunctionId base_function) noexcept;

} // namespace osr
