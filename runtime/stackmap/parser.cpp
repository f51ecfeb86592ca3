#include "runtime/stackmap/parser.h"

#include "compiler/base/error.h"
#include "compiler/target/platform.h"
#include "runtime/machine/dwarf_numbers.h"

#include <llvm/Support/Endian.h>

#include <array>
#include <utility>

namespace osr {

namespace {

constexpr std::uint8_t supported_version = 3;
constexpr std::uint64_t header_size = 16;
constexpr std::uint64_t function_size = 24;
constexpr std::uint64_t constant_size = 8;
constexpr std::uint64_t smallest_record_size = 24;
constexpr std::uint64_t location_size = 12;
constexpr std::uint64_t live_out_size = 4;

/// Reads little-endian fields. Running off the end is remembered and yields zeros, so that callers may read a whole
/// fixed-size structure and ask once.
class Cursor {
public:
  explicit Cursor(llvm::ArrayRef<std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return bytes_.size() - position_; }
  bool ran_out() const { return ran_out_; }

  template <typename T> T read() {
    if (remaining() < sizeof(T)) {
      ran_out_ = true;
      return 0;
    }
    T value = llvm::support::endian::read<T, llvm::endianness::little>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }

  /// Skips to the next multiple of 8; false if a skipped byte is missing or not zero.
  bool skip_padding() {
    bool zero = true;
    while (position_ % 8 != 0 && !ran_out_)
      zero &= read<std::uint8_t>() == 0;
    return zero && !ran_out_;
  }

private:
  llvm::ArrayRef<std::uint8_t> bytes_;
  std::uint64_t position_ = 0;
  bool ran_out_ = false;
};

template <typename... Args>
llvm::Error fault(std::uint64_t position, fmt::format_string<Args...> text, Args &&...args) {
  return make_error("malformed stack map, byte {}: {}", position, fmt::format(text, std::forward<Args>(args)...));
}

llvm::Error check_general_register(std::uint64_t position, const char *what, std::uint16_t dwarf_register) {
  if (dwarf_register <= last_general_dwarf_register)
    return llvm::Error::success();
  return fault(position, "{} has base register {}, which is not a general register", what, dwarf_register);
}

class Parser {
public:
  explicit Parser(llvm::ArrayRef<std::uint8_t> section) : cursor_(section) {}

  llvm::Expected<RawStackMap> run() {
    while (cursor_.remaining() != 0)
      if (llvm::Error error = read_map())
        return error;
    return std::move(map_);
  }

private:
  /// One map: header, functions, constants, records.
  llvm::Error read_map() {
    if (llvm::Error error = read_header())
      return error;
    const std::size_t first_function = map_.functions.size();
    read_functions();
    constants_.clear();
    constants_.reserve(constant_count_);
    for (std::uint32_t i = 0; i != constant_count_; ++i)
      constants_.push_back(cursor_.read<std::uint64_t>());
    if (llvm::Error error = check_record_counts(first_function))
      return error;
    map_.records.reserve(map_.records.size() + record_count_);
    for (std::size_t f = first_function; f != map_.functions.size(); ++f)
      for (std::uint64_t i = 0; i != map_.functions[f].record_count; ++i)
        if (llvm::Error error = read_record(std::uint32_t(f)))
          return error;
    return llvm::Error::success();
  }

  llvm::Error read_header() {
    const std::uint64_t start = cursor_.position();
    const auto version = cursor_.read<std::uint8_t>();
    const auto reserved_byte = cursor_.read<std::uint8_t>();
    const auto reserved_half = cursor_.read<std::uint16_t>();
    function_count_ = cursor_.read<std::uint32_t>();
    constant_count_ = cursor_.read<std::uint32_t>();
    record_count_ = cursor_.read<std::uint32_t>();
    if (cursor_.ran_out())
      return fault(start, "the header needs {} bytes", header_size);
    if (version != supported_version)
      return fault(start, "format version {} is not supported, only {} (made by another LLVM?)", version,
                   supported_version);
    if (reserved_byte != 0 || reserved_half != 0)
      return fault(start, "reserved header bytes are not zero");
    // 32-bit counts times these sizes cannot overflow 64 bits.
    const std::uint64_t needed =
        function_count_ * function_size + constant_count_ * constant_size + record_count_ * smallest_record_size;
    if (needed > cursor_.remaining())
      return fault(start, "{} functions, {} constants and {} records need at least {} bytes, {} are left",
                   function_count_, constant_count_, record_count_, needed, cursor_.remaining());
    return llvm::Error::success();
  }

  void read_functions() {
    map_.functions.reserve(map_.functions.size() + function_count_);
    for (std::uint32_t i = 0; i != function_count_; ++i) {
      RawFunction function;
      function.address = cursor_.read<std::uint64_t>();
      function.stack_size = cursor_.read<std::uint64_t>();
      function.record_count = cursor_.read<std::uint64_t>();
      map_.functions.push_back(function);
    }
  }

  llvm::Error check_record_counts(std::size_t first_function) {
    std::uint64_t left = record_count_;
    for (std::size_t f = first_function; f != map_.functions.size(); ++f) {
      if (map_.functions[f].record_count > left)
        return fault(cursor_.position(), "function {} claims {} records, only {} of {} are left", f,
                     map_.functions[f].record_count, left, record_count_);
      left -= map_.functions[f].record_count;
    }
    if (left != 0)
      return fault(cursor_.position(), "{} of {} records belong to no function", left, record_count_);
    return llvm::Error::success();
  }

  llvm::Error read_record(std::uint32_t function) {
    const std::uint64_t start = cursor_.position();
    RawRecord record;
    record.function = function;
    record.id = cursor_.read<std::uint64_t>();
    record.instruction_offset = cursor_.read<std::uint32_t>();
    const auto flags = cursor_.read<std::uint16_t>();
    const auto location_count = cursor_.read<std::uint16_t>();
    if (cursor_.ran_out() || location_count * location_size > cursor_.remaining())
      return fault(start, "record with {} locations runs past the end of the section", location_count);
    if (flags != 0)
      return fault(start, "record has unknown flags {:#x}", flags);
    record.locations.reserve(location_count);
    for (std::uint16_t i = 0; i != location_count; ++i) {
      llvm::Expected<RawLocation> location = read_location();
      if (!location)
        return location.takeError();
      record.locations.push_back(*location);
    }
    if (llvm::Error error = read_live_outs(record))
      return error;
    map_.records.push_back(std::move(record));
    return llvm::Error::success();
  }

  llvm::Expected<RawLocation> read_location() {
    const std::uint64_t start = cursor_.position();
    const auto kind = cursor_.read<std::uint8_t>();
    const auto reserved_byte = cursor_.read<std::uint8_t>();
    RawLocation location;
    location.size = cursor_.read<std::uint16_t>();
    location.dwarf_register = cursor_.read<std::uint16_t>();
    const auto reserved_half = cursor_.read<std::uint16_t>();
    location.offset = cursor_.read<std::int32_t>();
    if (reserved_byte != 0 || reserved_half != 0)
      return fault(start, "reserved bytes of a location are not zero");
    if (llvm::Error error = decode_kind(start, kind, location))
      return error;
    return location;
  }

  /// Sets `location.kind`, and resolves constants.
  llvm::Error decode_kind(std::uint64_t start, std::uint8_t kind, RawLocation &location) {
    switch (kind) {
    case 1:
      location.kind = RawLocation::Kind::Register;
      if (location.dwarf_register > last_dwarf_register)
        return fault(start, "register {} is not a register of {}", location.dwarf_register, machine_name());
      if (location.size == 0 || location.size > widest_register_bytes)
        return fault(start, "a register cannot hold {} bytes", location.size);
      return llvm::Error::success();
    case 2:
      location.kind = RawLocation::Kind::Direct;
      if (location.size != 8)
        return fault(start, "an address of {} bytes, expected 8", location.size);
      return check_general_register(start, "address", location.dwarf_register);
    case 3:
      location.kind = RawLocation::Kind::Indirect;
      if (location.size == 0)
        return fault(start, "a spilled value of 0 bytes");
      return check_general_register(start, "spill slot", location.dwarf_register);
    case 4: // the offset field is the value, sign-extended
      return make_constant(start, std::uint64_t(std::int64_t(location.offset)), location);
    case 5:
      if (std::uint32_t(location.offset) >= constants_.size())
        return fault(start, "constant {} of {}", std::uint32_t(location.offset), constants_.size());
      return make_constant(start, constants_[std::uint32_t(location.offset)], location);
    }
    return fault(start, "unknown location kind {}", kind);
  }

  llvm::Error make_constant(std::uint64_t start, std::uint64_t value, RawLocation &location) {
    if (location.size != 8)
      return fault(start, "a constant of {} bytes, expected 8", location.size);
    if (location.dwarf_register != 0)
      return fault(start, "a constant with register {}", location.dwarf_register);
    location.kind = RawLocation::Kind::Constant;
    location.constant = value;
    location.offset = 0;
    return llvm::Error::success();
  }

  llvm::Error read_live_outs(RawRecord &record) {
    const std::uint64_t start = cursor_.position();
    if (!cursor_.skip_padding())
      return fault(start, "padding behind the locations is missing or not zero");
    const auto reserved = cursor_.read<std::uint16_t>();
    const auto count = cursor_.read<std::uint16_t>();
    if (cursor_.ran_out() || count * live_out_size > cursor_.remaining())
      return fault(start, "{} live-out registers run past the end of the section", count);
    if (reserved != 0)
      return fault(start, "reserved bytes before the live-out registers are not zero");
    record.live_outs.reserve(count);
    for (std::uint16_t i = 0; i != count; ++i) {
      RawLiveOut live_out;
      live_out.dwarf_register = cursor_.read<std::uint16_t>();
      const auto reserved_byte = cursor_.read<std::uint8_t>();
      live_out.size = cursor_.read<std::uint8_t>();
      if (reserved_byte != 0 || live_out.dwarf_register > last_dwarf_register || live_out.size == 0 ||
          live_out.size > widest_register_bytes)
        return fault(start, "live-out {}: register {}, size {}, reserved {}", i, live_out.dwarf_register, live_out.size,
                     reserved_byte);
      record.live_outs.push_back(live_out);
    }
    if (!cursor_.skip_padding())
      return fault(start, "padding behind the live-out registers is missing or not zero");
    return llvm::Error::success();
  }

  Cursor cursor_;
  RawStackMap map_;
  std::vector<std::uint64_t> constants_;
  std::uint32_t function_count_ = 0;
  std::uint32_t constant_count_ = 0;
  std::uint32_t record_count_ = 0;
};

} // namespace

llvm::Expected<RawStackMap> parse_stack_map(llvm::ArrayRef<std::uint8_t> section) { return Parser(section).run(); }

} // namespace osr
