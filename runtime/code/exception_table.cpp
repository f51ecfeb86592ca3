#include "runtime/code/exception_table.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "runtime/code/frame_description.h"

#include <algorithm>
#include <cstring>

namespace osr {
namespace {

constexpr std::size_t longest_chain = 10'000;
constexpr std::uint8_t four_bytes = 0x03;
constexpr std::size_t uleb_size = 10; ///< of any 64-bit number, with zeros in front

/// The action records from `action` on; each names the filter and the distance to the next from where that stands.
bool read_filters(DwarfReader table, std::uint64_t action, std::vector<std::int64_t> &filters) {
  for (std::uint64_t at = action - 1; filters.size() < longest_chain;) {
    DwarfReader record = table;
    record.take(at);
    filters.push_back(record.sleb());
    const std::uint64_t place = record.position();
    const std::int64_t distance = record.sleb();
    if (record.failed())
      return false;
    if (distance == 0)
      return true;
    at = place + std::uint64_t(distance);
  }
  return false;
}

void put(std::vector<std::uint8_t> &bytes, const void *value, std::size_t size) {
  const auto *begin = static_cast<const std::uint8_t *>(value);
  bytes.insert(bytes.end(), begin, begin + size);
}

void put_distance(std::vector<std::uint8_t> &bytes, std::uint64_t distance) {
  const auto number = std::uint32_t(distance);
  OSR_CHECK(number == distance, "{:#x} bytes are too far for an exception table", distance);
  put(bytes, &number, sizeof number);
}

void write_uleb(std::uint8_t *to, std::uint64_t value) {
  for (std::size_t i = 0; i < uleb_size; ++i, value >>= 7)
    to[i] = std::uint8_t((value & 0x7f) | (i + 1 < uleb_size ? 0x80 : 0));
}

void put_sleb(std::vector<std::uint8_t> &bytes, std::int64_t value) {
  for (;;) {
    const auto byte = std::uint8_t(value & 0x7f);
    value >>= 7;
    const bool is_last = (value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40));
    bytes.push_back(is_last ? byte : byte | 0x80);
    if (is_last)
      return;
  }
}

} // namespace

llvm::Expected<CallSiteHandling> read_call_site(llvm::ArrayRef<std::uint8_t> section, std::uint64_t section_address,
                                                std::uint64_t address, std::uint64_t function,
                                                std::uint64_t return_pc) {
  const auto malformed = [&] { return make_error("the exception table at {:#x} is malformed", address); };
  if (address - section_address >= section.size())
    return malformed();
  const auto bytes = section.drop_front(address - section_address);
  DwarfReader table({bytes.data(), bytes.size()}, address);
  CallSiteHandling handling;
  const auto start_encoding = table.read<std::uint8_t>();
  const std::uint64_t start = start_encoding == DW_EH_PE_omit ? function : table.pointer(start_encoding);
  handling.type_encoding = table.read<std::uint8_t>();
  if (handling.type_encoding != DW_EH_PE_omit) {
    const std::uint64_t distance = table.uleb();
    handling.types = table.address() + distance;
  }
  const auto encoding = table.read<std::uint8_t>();
  DwarfReader calls = table.take(table.uleb());
  while (!calls.at_end() && !handling.is_listed) {
    const std::uint64_t begin = function + calls.number(encoding);
    const std::uint64_t size = calls.number(encoding), pad = calls.number(encoding), action = calls.uleb();
    if (return_pc - 1 - begin >= size)
      continue;
    handling.is_listed = true;
    handling.landing_pad = pad ? start + pad : 0;
    const auto behind = bytes.drop_front(table.position());
    const DwarfReader actions({behind.data(), behind.size()}, table.address());
    if (action != 0 && !read_filters(actions, action, handling.filters))
      return malformed();
  }
  return calls.failed() || table.failed() ? llvm::Expected<CallSiteHandling>(malformed()) : std::move(handling);
}

std::uint64_t begin_for(const CallSiteHandling &handling, Extent code) {
  return handling.landing_pad ? std::min(code.begin, handling.landing_pad - 1) : code.begin; // 0 is no landing pad
}

std::vector<std::uint8_t> build_exception_table(const CallSiteHandling &handling, std::uint64_t function, Extent code) {
  std::vector<std::uint8_t> call, bytes;
  if (handling.is_listed) {
    put_distance(call, code.begin - function);
    put_distance(call, code.size());
    put_distance(call, handling.landing_pad ? handling.landing_pad - function : 0);
    call.push_back(handling.filters.empty() ? 0 : 1); // the first action
  }
  bytes.push_back(DW_EH_PE_omit);
  bytes.push_back(handling.type_encoding);
  const std::size_t types = bytes.size();
  if (handling.type_encoding != DW_EH_PE_omit)
    bytes.resize(bytes.size() + uleb_size);
  bytes.push_back(four_bytes);
  OSR_CHECK(call.size() < 0x80, "a call site of {} bytes", call.size());
  bytes.push_back(std::uint8_t(call.size()));
  bytes.insert(bytes.end(), call.begin(), call.end());
  for (const std::int64_t &filter : handling.filters) {
    put_sleb(bytes, filter);
    bytes.push_back(&filter == &handling.filters.back() ? 0 : 1); // the next record follows
  }
  // Now that the bytes have their address. Readers add modulo 2^64, so the types may lie in front of them.
  if (handling.type_encoding != DW_EH_PE_omit)
    write_uleb(bytes.data() + types,
               handling.types - reinterpret_cast<std::uint64_t>(bytes.data() + types + uleb_size));
  return bytes;
}

} // namespace osr
