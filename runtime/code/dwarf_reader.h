// Bounds-checked reading of DWARF data: little-endian numbers, LEB128 and encoded pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace osr {

/// Reads little-endian DWARF data; after the first read past the end every read gives 0 and failed() is true.
class DwarfReader {
public:
  DwarfReader() = default;
  /// `address` is where bytes[0] is at run time; PC-relative pointers refer to it.
  DwarfReader(std::span<const std::uint8_t> bytes, std::uint64_t address) : bytes_(bytes), address_(address) {}

  bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  bool at_end() const { return failed_ || position_ == bytes_.size(); }
  std::size_t position() const { return position_; }
  std::size_t size() const { return bytes_.size(); }
  std::uint64_t address() const { return address_ + position_; }

  template <typename T> T read() {
    T value{};
    if (bytes_.size() - position_ < sizeof(T))
      failed_ = true;
    if (failed_)
      return value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64)
        value |= std::uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return value;
    }
  }

  std::int64_t sleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64)
        value |= std::uint64_t(byte & 0x7f) << shift;
      shift += 7;
      if (byte & 0x80)
        continue;
      if (shift < 64 && (byte & 0x40))
        value |= ~std::uint64_t(0) << shift;
      return std::int64_t(value);
    }
  }

  /// The next `size` bytes as a reader of their own.
  DwarfReader take(std::uint64_t size) {
    if (failed_ || bytes_.size() - position_ < size) {
      failed_ = true;
      return {};
    }
    DwarfReader part(bytes_.subspan(position_, size), address());
    position_ += size;
    return part;
  }

  /// A pointer in one of the DW_EH_PE_* encodings that occur on Linux: absolute or PC-relative, not indirect.
  std::uint64_t pointer(std::uint8_t encoding) {
    const std::uint64_t base = (encoding & 0x70) == 0x10 ? address() : 0;
    if ((encoding & 0x70) > 0x10)
      failed_ = true; // relative to text, data or function start: no toolchain uses it here
    return base + number(encoding);
  }

  /// The same, but a stored 0 is null, and DW_EH_PE_indirect is left to the caller: the result may be the address of the
  /// pointer.
  std::uint64_t pointer_or_null(std::uint8_t encoding) {
    DwarfReader stored = *this;
    const bool is_null = stored.number(encoding) == 0;
    const std::uint64_t value = pointer(encoding);
    return is_null ? 0 : value;
  }

  /// The number that a pointer encoding stores, before anything is added to it.
  std::uint64_t number(std::uint8_t encoding) {
    switch (encoding & 0x0f) {
    case 0x00: // absptr
    case 0x04: // udata8
    case 0x0c: // sdata8
      return read<std::uint64_t>();
    case 0x01: return uleb();
    case 0x09: return std::uint64_t(sleb());
    case 0x02: return read<std::uint16_t>();
    case 0x03: return read<std::uint32_t>();
    case 0x0a: return std::uint64_t(std::int64_t(read<std::int16_t>()));
    case 0x0b: return std::uint64_t(std::int64_t(read<std::int32_t>()));
    default: failed_ = true; return 0;
    }
  }

private:
  std::span<const std::uint8_t> bytes_;
  std::uint64_t address_ = 0;
  std::size_t position_ = 0;
  bool failed_ = false;
};

} // namespace osr
