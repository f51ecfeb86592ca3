#include "runtime/stackmap/site_table.h"

#include "compiler/base/check.h"
#include "runtime/stackmap/record_codec.h"

#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

namespace osr {

SiteTable SiteTable::build(llvm::ArrayRef<SiteRecord> records) {
  SiteTable table;
  if (records.empty())
    return table;
  std::vector<const SiteRecord *> sorted;
  sorted.reserve(records.size());
  for (const SiteRecord &record : records)
    sorted.push_back(&record);
  llvm::sort(sorted, [](auto *a, auto *b) { return a->return_pc_offset < b->return_pc_offset; });
  OSR_CHECK(!sorted.front()->frames.empty(), "site record at offset {:#x} has no frame",
            sorted.front()->return_pc_offset);
  table.size_ = std::uint32_t(sorted.size());
  table.base_function_ = sorted.front()->frames.front().site.function;

  RecordBytes bytes;
  std::vector<std::uint32_t> positions;
  for (std::size_t i = 0; i != sorted.size(); ++i) {
    OSR_CHECK(i == 0 || sorted[i]->return_pc_offset != sorted[i - 1]->return_pc_offset,
              "two site records at return PC offset {:#x}", sorted[i]->return_pc_offset);
    positions.push_back(std::uint32_t(bytes.size()));
    encode_record(*sorted[i], table.base_function_, bytes);
    OSR_CHECK(bytes.size() < std::numeric_limits<std::uint32_t>::max(), "site table of {} bytes", bytes.size());
  }
  table.record_bytes_ = std::uint32_t(bytes.size());
  table.memory_ = std::make_unique<std::uint8_t[]>(table.slot_count() * table.slot_bytes() + bytes.size());
  std::copy(bytes.begin(), bytes.end(), table.memory_.get() + table.slot_count() * table.slot_bytes());
  for (std::size_t i = 0; i != sorted.size(); ++i) {
    std::size_t slot = table.first_slot(sorted[i]->return_pc_offset);
    while (table.slot(slot) != 0)
      slot = slot + 1 == table.slot_count() ? 0 : slot + 1;
    table.set_slot(slot, positions[i] + 1);
  }
  return table;
}

std::size_t SiteTable::first_slot(std::uint32_t return_pc_offset) const noexcept {
  const std::uint32_t hash = return_pc_offset * 0x9e3779b9u;
  return std::size_t(std::uint64_t(hash) * slot_count() >> 32); // maps the hash to the range without a division
}

std::uint32_t SiteTable::slot(std::size_t index) const noexcept {
  auto load = [&](auto value) { // of constant size, so it is one instruction
    std::memcpy(&value, memory_.get() + index * sizeof(value), sizeof(value));
    return std::uint32_t(value);
  };
  return slot_bytes() == 2 ? load(std::uint16_t()) : load(std::uint32_t());
}

void SiteTable::set_slot(std::size_t index, std::uint32_t value) {
  std::memcpy(memory_.get() + index * slot_bytes(), &value, slot_bytes());
}

SiteHandle SiteTable::look_up(std::uint32_t return_pc_offset) const noexcept {
  if (size_ == 0)
    return {};
  for (std::size_t index = first_slot(return_pc_offset);; index = index + 1 == slot_count() ? 0 : index + 1) {
    const std::uint32_t value = slot(index);
    if (value == 0)
      return {};
    const std::uint8_t *record = records_begin() + (value - 1);
    if (decode_offset(record) == return_pc_offset)
      return {this, record};
  }
}

SiteSummary SiteHandle::summary() const noexcept {
  const std::uint8_t *position = record_;
  const RecordHead head = decode_head(position, table_->records_end());
  return {head.return_pc_offset, head.certified, head.frame_count,
          decode_site(position, table_->records_end(), table_->base_function_)};
}

SiteRecord SiteHandle::record() const {
  const std::uint8_t *position = record_;
  return decode_record(position, table_->records_end(), table_->base_function_);
}

std::optional<SiteRecord> SiteTable::find(std::uint32_t return_pc_offset) const {
  const SiteHandle site = look_up(return_pc_offset);
  return site ? std::optional(site.record()) : std::nullopt;
}

void SiteTable::for_each(llvm::function_ref<void(const SiteRecord &)> visit) const {
  const std::uint8_t *position = records_begin();
  while (position != records_end())
    visit(decode_record(position, records_end(), base_function_));
}

} // namespace osr
