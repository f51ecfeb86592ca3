// Stable text of parsed stack maps.
#include "compiler/base/check.h"
#include "runtime/stackmap/parser.h"

namespace osr {

std::string to_string(const RawLocation &location) {
  switch (location.kind) {
  case RawLocation::Kind::Register:
    if (location.offset != 0)
      return fmt::format("Register r{} offset {} size {}", location.dwarf_register, location.offset, location.size);
    return fmt::format("Register r{} size {}", location.dwarf_register, location.size);
  case RawLocation::Kind::Direct: return fmt::format("Direct r{}{:+}", location.dwarf_register, location.offset);
  case RawLocation::Kind::Indirect:
    return fmt::format("Indirect [r{}{:+}] size {}", location.dwarf_register, location.offset, location.size);
  case RawLocation::Kind::Constant: return fmt::format("Constant {:#x}", location.constant);
  }
  OSR_CHECK(false, "location kind {}", unsigned(location.kind));
}

std::string to_string(const RawStackMap &map) {
  std::string text;
  for (std::size_t f = 0; f != map.functions.size(); ++f) {
    const RawFunction &function = map.functions[f];
    if (function.stack_size == ~std::uint64_t(0))
      text += fmt::format("function {}: address {:#x}, stack size unknown, records {}\n", f, function.address,
                          function.record_count);
    else
      text += fmt::format("function {}: address {:#x}, stack size {}, records {}\n", f, function.address,
                          function.stack_size, function.record_count);
  }
  for (std::size_t r = 0; r != map.records.size(); ++r) {
    const RawRecord &record = map.records[r];
    text += fmt::format("record {}: id {:#x}, function {}, offset {}\n", r, record.id, record.function,
                        record.instruction_offset);
    for (std::size_t i = 0; i != record.locations.size(); ++i)
      text += fmt::format("  {}: {}\n", i, to_string(record.locations[i]));
    for (const RawLiveOut &live_out : record.live_outs)
      text += fmt::format("  live-out r{} size {}\n", live_out.dwarf_register, live_out.size);
  }
  return text;
}

} // namespace osr
