// DWARF's tree of entries, made with LLVM's parts and written as bytes.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/CodeGen/DIE.h>
#include <llvm/Support/Allocator.h>

#include <cstdint>
#include <vector>

namespace osr {

using DwarfBytes = std::vector<std::uint8_t>;

/// Puts numbers behind bytes as DWARF wants them.
class DwarfWriter {
public:
  template <typename Number> void number(Number value) {
    const auto *first = reinterpret_cast<const std::uint8_t *>(&value);
    bytes_.insert(bytes_.end(), first, first + sizeof value);
  }
  void number(std::uint64_t value, unsigned bytes);
  void uleb(std::uint64_t value);
  void sleb(std::int64_t value);
  void block(llvm::ArrayRef<std::uint8_t> block) { bytes_.insert(bytes_.end(), block.begin(), block.end()); }
  void text(llvm::StringRef text); ///< with a zero behind it
  std::size_t size() const { return bytes_.size(); }
  /// Overwrites four bytes: lengths are known last.
  void patch(std::size_t at, std::uint32_t value);
  DwarfBytes take() { return std::move(bytes_); }

private:
  DwarfBytes bytes_;
};

/// One unit of entries, of DWARF 4.
class DebugEntries {
public:
  DebugEntries() : unit_(add_apart(llvm::dwarf::DW_TAG_compile_unit)) {}

  llvm::DIE &unit() { return unit_; }
  llvm::DIE &add(llvm::DIE &parent, llvm::dwarf::Tag tag) { return parent.addChild(&add_apart(tag)); }
  /// Refers to an entry of this unit.
  void refer(llvm::DIE &entry, llvm::dwarf::Attribute attribute, llvm::DIE &to);
  void set(llvm::DIE &entry, llvm::dwarf::Attribute attribute, llvm::dwarf::Form form, std::uint64_t value);
  void set_number(llvm::DIE &entry, llvm::dwarf::Attribute attribute, std::uint64_t value);
  void set_signed(llvm::DIE &entry, llvm::dwarf::Attribute attribute, std::int64_t value);
  void set_flag(llvm::DIE &entry, llvm::dwarf::Attribute attribute);
  void set_name(llvm::DIE &entry, llvm::dwarf::Attribute attribute, llvm::StringRef name);
  void set_place(llvm::DIE &entry, llvm::dwarf::Attribute attribute, llvm::ArrayRef<std::uint8_t> expression);

  struct Bytes {
    DwarfBytes info, abbreviations, strings;
  };
  /// Call once.
  Bytes write();

private:
  llvm::DIE &add_apart(llvm::dwarf::Tag tag) { return *llvm::DIE::get(memory_, tag); }
  std::uint32_t string(llvm::StringRef text);

  llvm::BumpPtrAllocator memory_;
  llvm::DIE &unit_;
  llvm::StringMap<std::uint32_t> strings_; ///< to offsets
  DwarfWriter string_bytes_;
};

} // namespace osr
