#include "runtime/code/unwind_rows.h"

#include "compiler/base/error.h"
#include "runtime/code/call_frame_info.h"

#include <algorithm>

namespace osr {

namespace {

const char *name_of(CfaBase base) {
  return base == CfaBase::StackPointer ? stack_pointer_name : name_of(SavedRegister(base));
}

/// Appends the ranges of one FDE.
llvm::Error append_fde(const FrameDescription &fde, std::uint64_t code_begin, std::uint64_t code_size,
                       std::vector<UnwindRange> &ranges) {
  if (fde.end - code_begin > code_size)
    return make_error("unwind information for [{:#x}, {:#x}) reaches over the end of the code at {:#x}: the section "
                      "does not belong to this code",
                      fde.begin, fde.end, code_begin + code_size);
  const bool ok = CallFrameProgram(fde).for_each_row([&](std::uint64_t begin, std::uint64_t end, const UnwindRow &row) {
    ranges.push_back({std::uint32_t(begin - code_begin), std::uint32_t(end - begin), row});
    return true;
  });
  if (!ok)
    return make_error("unwind information for [{:#x}, {:#x}) is malformed", fde.begin, fde.end);
  return llvm::Error::success();
}

} // namespace

std::string to_string(const UnwindRow &row) {
  if (!row.usable && !row.through_base)
    return "unusable";
  std::string text =
      fmt::format(fmt::runtime(row.through_base ? "[{}{:+}]" : "{}{:+}"), name_of(row.base), row.cfa_offset);
  if (row.word_addend != 0)
    text += fmt::format("{:+}", row.word_addend);
  if (row.saved_by_cfa)
    text += " by CFA";
  for (unsigned i = 0; i < saved_register_count; ++i)
    if (row.saved[i] != 0)
      text += fmt::format(" {}=[{}]", name_of(SavedRegister(i)), row.saved[i]);
  return text;
}

llvm::Expected<UnwindRows> UnwindRows::from_eh_frame(llvm::ArrayRef<std::uint8_t> section,
                                                     std::uint64_t section_address, std::uint64_t code_begin,
                                                     std::uint64_t code_size, std::span<const UnwindRange> extra) {
  if (code_size >= UINT32_MAX)
    return make_error("code object of {} bytes: at most 4 GB can be described", code_size);
  const std::span<const std::uint8_t> bytes(section.data(), section.size());
  std::vector<UnwindRange> ranges(extra.begin(), extra.end());
  llvm::Error error = llvm::Error::success();
  (void)!!error; // as yet there is nothing to look at
  for_each_fde(
      bytes, section_address,
      [&](std::uint64_t, const FrameDescription &fde) {
        if (fde.begin != fde.end && fde.begin - code_begin < code_size)
          error = append_fde(fde, code_begin, code_size, ranges);
        return !error;
      },
      [&](std::uint64_t offset) { error = malformed_entry(offset); });
  if (error)
    return error;
  return from_ranges(ranges);
}

llvm::Expected<UnwindRows> UnwindRows::from_ranges(std::span<const UnwindRange> ranges) {
  std::vector<UnwindRange> sorted(ranges.begin(), ranges.end());
  std::erase_if(sorted, [](const UnwindRange &r) { return r.size == 0; });
  std::sort(sorted.begin(), sorted.end(), [](const auto &a, const auto &b) { return a.begin < b.begin; });
  UnwindRows table;
  const auto start_at = [&table](std::uint32_t offset, std::uint32_t row) {
    if (table.starts_.empty() || table.starts_.back().row != row)
      table.starts_.push_back({offset, row});
  };
  std::uint64_t end = 0;
  for (const UnwindRange &range : sorted) {
    if (range.begin < end)
      return make_error("code offset {:#x} has two sets of unwind rules (the earlier one holds up to {:#x})",
                        range.begin, end);
    if (range.begin > end)
      start_at(std::uint32_t(end), no_row);
    auto row = std::find(table.rows_.begin(), table.rows_.end(), range.row);
    const auto index = std::uint32_t(row - table.rows_.begin());
    if (row == table.rows_.end())
      table.rows_.push_back(range.row);
    start_at(range.begin, index);
    end = std::uint64_t(range.begin) + range.size;
    if (end > UINT32_MAX)
      return make_error("code offset {:#x}: code objects are limited to 4 GB", range.begin);
  }
  start_at(std::uint32_t(end), no_row);
  table.starts_.shrink_to_fit();
  table.rows_.shrink_to_fit();
  return table;
}

const UnwindRow *UnwindRows::find(std::uint64_t pc_offset) const {
  if (starts_.empty() || pc_offset > UINT32_MAX)
    return nullptr;
  auto after = std::upper_bound(starts_.begin(), starts_.end(), pc_offset,
                                [](std::uint64_t offset, const Start &start) { return offset < start.offset; });
  if (after == starts_.begin())
    return nullptr;
  const std::uint32_t row = std::prev(after)->row;
  return row == no_row ? nullptr : &rows_[row];
}

std::size_t UnwindRows::bytes() const {
  return starts_.capacity() * sizeof(Start) + rows_.capacity() * sizeof(UnwindRow);
}

std::string UnwindRows::dump() const {
  std::string text;
  for (std::size_t i = 0; i + 1 < starts_.size(); ++i)
    if (starts_[i].row != no_row)
      text += fmt::format("[{:#x}, {:#x}) {}\n", starts_[i].offset, starts_[i + 1].offset,
                          to_string(rows_[starts_[i].row]));
  return text;
}

} // namespace osr
