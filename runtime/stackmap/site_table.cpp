#include "runtime/stackmap/site_table.h"

#include "compiler/base/check.h"
#include "runtime/stackmap/record_codec.h"

#include <llvm/ADT/STLExtras.h>

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
  table.bytes_.reserve(bytes.size()); // exact, unlike growing
  table.bytes_.append(bytes.begin(), bytes.end());
  table.slots_.resize(sorted.size() + sorted.size() / 2 + 1); // two thirds full at most: there is always an empty slot
  for (std::size_t i = 0; i != sorted.size(); ++i)
    table.insert(sorted[i]->return_pc_offset, positions[i]);
  return table;
}

std::size_t SiteTable::first_slot(std::uint32_t return_pc_offset) const noexcept {
  const std::uint32_t hash = return_pc_offset * 0x9e3779b9u;
  return std::size_t(std::uint64_t(hash) * slots_.size() >> 32); // maps the hash to the range without a division
}

void SiteTable::insert(std::uint32_t return_pc_offset, std::uint32_t position) {
  std::size_t slot = first_slot(return_pc_offset);
  while (slots_[slot] != 0)
    slot = slot + 1 == slots_.size() ? 0 : slot + 1;
  slots_[slot] = position + 1;
}

SiteHandle SiteTable::look_up(std::uint32_t return_pc_offset) const noexcept {
  if (size_ == 0)
    return {};
  for (std::size_t slot = first_slot(return_pc_offset); slots_[slot] != 0;
       slot = slot + 1 == slots_.size() ? 0 : slot + 1) {
    const std::uint8_t *record = bytes_.data() + (slots_[slot] - 1);
    if (decode_offset(record) == return_pc_offset)
      return {this, record};
  }
  return {};
}

SiteSummary SiteHandle::summary() const noexcept {
  const std::uint8_t *position = record_;
  const RecordHead head = decode_head(position, table_->bytes_.end());
  return {head.return_pc_offset, head.certified, head.frame_count,
          decode_site(position, table_->bytes_.end(), table_->base_function_)};
}

SiteRecord SiteHandle::record() const {
  const std::uint8_t *position = record_;
  return decode_record(position, table_->bytes_.end(), table_->base_function_);
}

std::optional<SiteRecord> SiteTable::find(std::uint32_t return_pc_offset) const {
  const SiteHandle site = look_up(return_pc_offset);
  return site ? std::optional(site.record()) : std::nullopt;
}

void SiteTable::for_each(llvm::function_ref<void(const SiteRecord &)> visit) const {
  const std::uint8_t *position = bytes_.begin();
  while (position != bytes_.end())
    visit(decode_record(position, bytes_.end(), base_function_));
}

} // namespace osr
