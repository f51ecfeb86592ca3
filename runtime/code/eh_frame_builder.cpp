#include "runtime/code/eh_frame_builder.h"

#include "compiler/base/check.h"
#include "runtime/machine/dwarf_numbers.h"

#include <cstring>

namespace osr {

namespace {

constexpr std::int32_t data_align = -8;

unsigned dwarf_number(CfaBase base) {
  return base == CfaBase::StackPointer ? dwarf_stack_pointer : osr::dwarf_number(SavedRegister(base));
}

class Writer {
public:
  template <typename T> void put(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void byte(unsigned value) { put(std::uint8_t(value)); }
  void uleb(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      byte((value & 0x7f) | 0x80);
    byte(unsigned(value));
  }

  /// A CIE or FDE: its length goes in front, its end is aligned.
  std::size_t open() {
    put(std::uint32_t(0));
    return bytes_.size();
  }
  void close(std::size_t entry) {
    while ((bytes_.size() - entry + 4) % 8 != 0)
      byte(0); // nop
    const auto length = std::uint32_t(bytes_.size() - entry);
    std::memcpy(bytes_.data() + entry - 4, &length, sizeof length);
  }

  std::vector<std::uint8_t> &bytes() { return bytes_; }

private:
  std::vector<std::uint8_t> bytes_;
};

/// Returns where it begins, behind its length.
std::size_t write_cie(Writer &out, const ExceptionHandling &handling) {
  const std::size_t cie = out.open();
  out.put(std::uint32_t(0)); // this is a CIE
  out.byte(1);               // version
  for (const char *letter = handling.personality ? "zPLR" : "zR"; *letter; ++letter)
    out.byte(unsigned(*letter));
  out.byte(0);
  out.uleb(1);                           // code alignment
  out.byte(unsigned(data_align) & 0x7f); // data alignment, SLEB128
  out.byte(dwarf_return_address);
  constexpr unsigned absolute = 0;
  if (handling.personality) {
    out.uleb(1 + 8 + 1 + 1);
    out.byte(absolute);
    out.put(handling.personality);
    out.byte(absolute);
  } else {
    out.uleb(1);
  }
  out.byte(absolute);
  out.byte(0x80 | dwarf_return_address); // the return PC is at CFA-8
  out.uleb(1);
  out.close(cie);
  return cie;
}

/// Instructions that lead from one row to another.
void write_changes(Writer &out, const UnwindRow &from, const UnwindRow &to, bool first) {
  if (first || from.base != to.base || from.cfa_offset != to.cfa_offset) {
    OSR_CHECK(to.cfa_offset >= 0, "CFA offset {} is negative", to.cfa_offset);
    out.byte(0x0c); // def_cfa
    out.uleb(dwarf_number(to.base));
    out.uleb(std::uint64_t(to.cfa_offset));
  }
  for (unsigned i = 0; i < saved_register_count; ++i) {
    if (from.saved[i] == to.saved[i])
      continue;
    OSR_CHECK(to.saved[i] <= 0 && to.saved[i] % data_align == 0, "register saved at CFA{:+}: not a slot below the CFA",
              to.saved[i]);
    if (to.saved[i] == 0) {
      out.byte(0x08); // same_value
      out.uleb(osr::dwarf_number(SavedRegister(i)));
    } else {
      out.byte(0x80u | osr::dwarf_number(SavedRegister(i))); // offset
      out.uleb(std::uint64_t(to.saved[i] / data_align));
    }
  }
}

void write_fde(Writer &out, std::size_t cie, std::uint64_t begin, std::span<const UnwindRange> rows,
               const ExceptionHandling &handling) {
  const std::size_t fde = out.open();
  constexpr std::size_t length_bytes = 4;
  out.put(std::uint32_t(fde - (cie - length_bytes))); // distance to the CIE
  out.put(begin);
  out.put(std::uint64_t(rows.back().begin) + rows.back().size);
  out.uleb(handling.personality ? 8 : 0);
  if (handling.personality)
    out.put(handling.lsda);
  UnwindRow current;
  std::uint64_t end = 0;
  for (const UnwindRange &range : rows) {
    OSR_CHECK(range.row.usable, "the row at {:#x} is not usable", begin + range.begin);
    OSR_CHECK(range.begin == end, "the row at offset {:#x} should begin at {:#x}", range.begin, end);
    end += range.size;
    if (range.begin != 0) {
      out.byte(0x04); // advance_loc4
      out.put(std::uint32_t(range.begin - (&range)[-1].begin));
    }
    write_changes(out, current, range.row, range.begin == 0);
    current = range.row;
  }
  out.close(fde);
}

} // namespace

std::vector<std::uint8_t> build_eh_frame(std::uint64_t begin, std::span<const UnwindRange> rows,
                                         const ExceptionHandling &handling) {
  const DescribedCode piece{begin, {rows.begin(), rows.end()}, handling};
  return build_eh_frame({&piece, 1});
}

std::vector<std::uint8_t> build_eh_frame(std::span<const DescribedCode> pieces) {
  Writer out;
  for (const DescribedCode &piece : pieces) {
    OSR_CHECK(!piece.rows.empty(), "no rows for the code at {:#x}", piece.begin);
    write_fde(out, write_cie(out, piece.handling), piece.begin, piece.rows, piece.handling);
  }
  out.put(std::uint32_t(0));
  return std::move(out.bytes());
}

std::uint32_t fde_offset(std::span<const std::uint8_t> eh_frame, unsigned index) {
  std::uint32_t offset = 0, length = 0;
  for (unsigned entry = 0; entry <= 2 * index; ++entry) { // CIEs and FDEs by turns
    OSR_CHECK(eh_frame.size() > offset + sizeof length, "{} bytes are no CIE", eh_frame.size());
    std::memcpy(&length, eh_frame.data() + offset, sizeof length);
    offset += std::uint32_t(sizeof length) + length;
  }
  return offset;
}

std::vector<std::uint8_t> build_eh_frame(std::uint64_t begin, std::uint32_t size, const UnwindRow &row,
                                         const ExceptionHandling &handling) {
  const UnwindRange range{0, size, row};
  return build_eh_frame(begin, {&range, 1}, handling);
}

} // namespace osr
