// All site records of one code object, in about 20 bytes per site.
#pragma once

#include "runtime/stackmap/record_codec.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace osr {

/// The part of a site record that is cheap to read.
struct SiteSummary {
  std::uint32_t return_pc_offset = 0;
  bool certified = false;
  std::uint32_t frame_count = 0; ///< 1 where nothing was inlined
  SiteId outermost;              ///< site of the oldest frame of the chain: a site of the code object's own function
};

class SiteTable;

/// A record that was found in a table; valid as long as the table. Null if nothing was found.
class SiteHandle {
public:
  SiteHandle() = default;
  explicit operator bool() const noexcept { return record_ != nullptr; }
  /// Allocation-free. Not for a null handle, like record().
  SiteSummary summary() const noexcept;
  SiteRecord record() const;

private:
  friend class SiteTable;
  SiteHandle(const SiteTable *table, const std::uint8_t *record) : table_(table), record_(record) {}
  const SiteTable *table_ = nullptr;
  const std::uint8_t *record_ = nullptr;
};

/// Maps return PC offsets to site records. Immutable after build(), so any number of threads may read it. contains(),
/// look_up() and SiteHandle::summary() neither allocate nor lock, and may be called while other threads are stopped;
/// find() and for_each() allocate the records they hand out.
class SiteTable {
public:
  SiteTable() = default;

  /// Two records with one return PC, or a record without frames, are bugs of the caller (OSR_CHECK).
  static SiteTable build(llvm::ArrayRef<SiteRecord> records);

  /// O(1) expected, like contains() and find().
  SiteHandle look_up(std::uint32_t return_pc_offset) const noexcept;
  bool contains(std::uint32_t return_pc_offset) const noexcept { return bool(look_up(return_pc_offset)); }
  std::optional<SiteRecord> find(std::uint32_t return_pc_offset) const;

  /// Visits all records in ascending order of return PC.
  void for_each(llvm::function_ref<void(const SiteRecord &)> visit) const;

  std::size_t size() const { return size_; }

  /// Memory of the table, including the object itself.
  std::size_t bytes() const { return sizeof(*this) + slot_count() * slot_bytes() + record_bytes_; }

private:
  friend class SiteHandle;

  /// Two thirds full at most: there is always an empty slot.
  std::size_t slot_count() const noexcept { return size_ == 0 ? 0 : size_ + size_ / 2 + 1; }
  std::size_t slot_bytes() const noexcept { return record_bytes_ <= 0xff ? 1 : record_bytes_ <= 0xffff ? 2 : 4; }
  OffsetBytes offsets() const noexcept { return has_long_offsets_ ? OffsetBytes::Four : OffsetBytes::Two; }
  std::size_t first_slot(std::uint32_t return_pc_offset) const noexcept;
  std::uint32_t slot(std::size_t index) const noexcept;
  void set_slot(std::size_t index, std::uint32_t value);
  const std::uint8_t *bytes_begin() const noexcept { return memory_.get() + slot_count() * slot_bytes(); }
  RecordReader reader() const noexcept { return {bytes_begin(), bytes_begin() + record_bytes_, offsets()}; }

  /// First the slots of an open-addressing hash table: the position of a record in the bytes behind them, or 0. They are as
  /// small as that allows. Behind them the records in ascending order; see record_codec.h.
  std::unique_ptr<std::uint8_t[]> memory_;
  std::uint32_t record_bytes_ = 0;
  std::uint32_t size_ : 31 = 0;
  std::uint32_t has_long_offsets_ : 1 = 0;
};

/// Stable text of one record, a line for the record and one per value.
std::string to_string(const SiteRecord &record);

} // namespace osr
