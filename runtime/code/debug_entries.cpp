#include "runtime/code/debug_entries.h"

#include "compiler/base/check.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/Support/LEB128.h>

#include <cstring>

using namespace llvm;

namespace osr {
namespace {

constexpr dwarf::FormParams form_parameters{/*Version=*/4, /*AddrSize=*/8, dwarf::DWARF32};

/// Writes the values of entries, and notes the abbreviations that they use.
class EntryWriter {
public:
  void write(const DIE &entry) {
    note_abbreviation(entry);
    info.uleb(entry.getAbbrevNumber());
    for (const DIEValue &value : entry.values())
      write(value);
    for (const DIE &child : entry.children())
      write(child);
    if (entry.hasChildren())
      info.uleb(0);
  }

  DwarfWriter info, abbreviations;

private:
  void write(const DIEValue &value) {
    switch (value.getType()) {
    case DIEValue::isInteger: return write_integer(value.getDIEInteger().getValue(), value.getForm());
    case DIEValue::isEntry: return info.number(std::uint32_t(value.getDIEEntry().getEntry().getOffset()));
    case DIEValue::isLoc: {
      DwarfWriter expression;
      for (const DIEValue &byte : value.getDIELoc().values())
        expression.number(std::uint8_t(byte.getDIEInteger().getValue()));
      info.uleb(expression.size());
      return info.block(expression.take());
    }
    default: OSR_CHECK(false, "an entry's value of kind {}", unsigned(value.getType()));
    }
  }

  void write_integer(std::uint64_t value, dwarf::Form form) {
    if (form == dwarf::DW_FORM_udata)
      return info.uleb(value);
    if (form == dwarf::DW_FORM_sdata)
      return info.sleb(std::int64_t(value));
    info.number(value, *dwarf::getFixedFormByteSize(form, form_parameters));
  }

  /// They are numbered as they are met.
  void note_abbreviation(const DIE &entry) {
    if (entry.getAbbrevNumber() <= known_)
      return;
    known_ = entry.getAbbrevNumber();
    const DIEAbbrev abbreviation = entry.generateAbbrev();
    abbreviations.uleb(known_);
    abbreviations.uleb(abbreviation.getTag());
    abbreviations.number(std::uint8_t(abbreviation.hasChildren()));
    for (const DIEAbbrevData &data : abbreviation.getData()) {
      abbreviations.uleb(data.getAttribute());
      abbreviations.uleb(data.getForm());
    }
    abbreviations.uleb(0);
    abbreviations.uleb(0);
  }

  unsigned known_ = 0;
};

} // namespace

void DwarfWriter::number(std::uint64_t value, unsigned bytes) {
  const auto *first = reinterpret_cast<const std::uint8_t *>(&value);
  bytes_.insert(bytes_.end(), first, first + bytes);
}

void DwarfWriter::uleb(std::uint64_t value) {
  std::uint8_t encoded[16];
  block({encoded, encodeULEB128(value, encoded)});
}

void DwarfWriter::sleb(std::int64_t value) {
  std::uint8_t encoded[16];
  block({encoded, encodeSLEB128(value, encoded)});
}

void DwarfWriter::text(StringRef text) {
  bytes_.insert(bytes_.end(), text.bytes_begin(), text.bytes_end());
  bytes_.push_back(0);
}

void DwarfWriter::patch(std::size_t at, std::uint32_t value) { std::memcpy(bytes_.data() + at, &value, sizeof value); }

void DebugEntries::refer(DIE &entry, dwarf::Attribute attribute, DIE &to) {
  entry.addValue(memory_, attribute, dwarf::DW_FORM_ref4, DIEEntry(to));
}

void DebugEntries::set(DIE &entry, dwarf::Attribute attribute, dwarf::Form form, std::uint64_t value) {
  entry.addValue(memory_, attribute, form, DIEInteger(value));
}

void DebugEntries::set_number(DIE &entry, dwarf::Attribute attribute, std::uint64_t value) {
  set(entry, attribute, dwarf::DW_FORM_udata, value);
}

void DebugEntries::set_signed(DIE &entry, dwarf::Attribute attribute, std::int64_t value) {
  set(entry, attribute, dwarf::DW_FORM_sdata, std::uint64_t(value));
}

void DebugEntries::set_flag(DIE &entry, dwarf::Attribute attribute) {
  set(entry, attribute, dwarf::DW_FORM_flag_present, 1);
}

void DebugEntries::set_name(DIE &entry, dwarf::Attribute attribute, StringRef name) {
  if (!name.empty())
    set(entry, attribute, dwarf::DW_FORM_strp, string(name));
}

void DebugEntries::set_place(DIE &entry, dwarf::Attribute attribute, ArrayRef<std::uint8_t> expression) {
  auto *place = new (memory_) DIELoc;
  for (const std::uint8_t byte : expression)
    place->addValue(memory_, dwarf::Attribute(0), dwarf::DW_FORM_data1, DIEInteger(byte));
  place->computeSize(form_parameters);
  entry.addValue(memory_, attribute, dwarf::DW_FORM_exprloc, place);
}

std::uint32_t DebugEntries::string(StringRef text) {
  const auto [known, is_new] = strings_.try_emplace(text, std::uint32_t(string_bytes_.size()));
  if (is_new)
    string_bytes_.text(text);
  return known->second;
}

DebugEntries::Bytes DebugEntries::write() {
  DIEAbbrevSet abbreviations(memory_);
  constexpr unsigned header_bytes = 11;
  unit_.computeOffsetsAndAbbrevs(form_parameters, abbreviations, header_bytes);
  EntryWriter writer;
  writer.info.number(std::uint32_t(header_bytes - sizeof(std::uint32_t) + unit_.getSize()));
  writer.info.number(form_parameters.Version);
  writer.info.number(std::uint32_t(0)); // abbreviations begin
  writer.info.number(form_parameters.AddrSize);
  writer.write(unit_);
  writer.abbreviations.uleb(0);
  return {writer.info.take(), writer.abbreviations.take(), string_bytes_.take()};
}

} // namespace osr
