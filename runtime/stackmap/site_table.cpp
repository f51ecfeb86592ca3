#include "runtime/stackmap/site_table.h"

#include "compiler/base/check.h"
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
  for (std::size_t i = 1; i < sorted.size(); ++i)
    OSR_CHECK(sorted[i]->return_pc_offset != sorted[i - 1]->return_pc_offset,
              "two site records at return PC offset {:#x}", sorted[i]->return_pc_offset);
  OSR_CHECK(sorted.size() <= std::numeric_limits<std::uint32_t>::max() / 2, "{} sites", sorted.size());
  table.size_ = std::uint32_t(sorted.size());
  table.has_long_offsets_ = sorted.back()->return_pc_offset > std::numeric_limits<std::uint16_t>::max();

  const EncodedRecords records_of_all = encode_records(sorted, table.offsets());
  const RecordBytes &bytes = records_of_all.bytes;
  OSR_CHECK(bytes.size() <= std::numeric_limits<std::uint32_t>::max(), "site table of {} bytes", bytes.size());
  table.record_bytes_ = std::uint32_t(bytes.size());
  const std::size_t slots = table.slot_count() * table.slot_bytes();
  table.memory_ = std::make_unique<std::uint8_t[]>(slots + bytes.size());
  std::copy(bytes.begin(), bytes.end(), table.memory_.get() + slots);
  for (auto [record, position] : llvm::zip(sorted, records_of_all.positions)) {
    std::size_t slot = table.first_slot(record->return_pc_offset);
    while (table.slot(slot) != 0)
      slot = slot + 1 == table.slot_count() ? 0 : slot + 1;
    table.set_slot(slot, position);
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
  switch (slot_bytes()) {
  case 1: return load(std::uint8_t());
  case 2: return load(std::uint16_t());
  default: return load(std::uint32_t());
  }
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
    const std::uint8_t *record = bytes_begin() + value;
    if (decode_offset(record, offsets()) == return_pc_offset)
      return {this, record};
  }
}

SiteSummary SiteHandle::summary() const noexcept {
  const RecordReader reader = table_->reader();
  const std::uint8_t *position = record_;
  const RecordHead head = reader.head(position);
  return {head.return_pc_offset, head.certified, head.frame_count, reader.site(position)};
}

SiteRecord SiteHandle::record() const {
  const std::uint8_t *position = record_;
  return table_->reader().record(position);
}

std::optional<SiteRecord> SiteTable::find(std::uint32_t return_pc_offset) const {
  const SiteHandle site = look_up(return_pc_offset);
  return site ? std::optional(site.record()) : std::nullopt;
}

void SiteTable::for_each(llvm::function_ref<void(const SiteRecord &)> visit) const {
  if (size_ == 0)
    return;
  const RecordReader reader = this->reader();
  for (const std::uint8_t *position = reader.first_record(); position != bytes_begin() + record_bytes_;)
    visit(reader.record(position));
}

} // namespace osr
