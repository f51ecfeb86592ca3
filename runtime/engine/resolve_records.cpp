#include "runtime/engine/resolve_records.h"

#include "compiler/base/error.h"
#include "osr-stubs/frame_words.h"
#include "runtime/machine/dwarf_numbers.h"

#include <optional>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t unknown_frame_size = ~std::uint64_t(0);
constexpr std::int32_t widest_arguments = 1 << 16; ///< bytes passed on the stack; no sane call passes more

/// Turns the locations of one record into CFA-relative sources.
class LocationResolver {
public:
  LocationResolver(const UnwindRow &row, std::int32_t cfa_from_sp, Tier tier)
      : row_(row), cfa_from_sp_(cfa_from_sp), tier_(tier) {}

  Expected<ValueSource> resolve(const RawLocation &location) const {
    ValueSource source;
    switch (location.kind) {
    case RawLocation::Kind::Constant:
      source.kind = ValueSource::Kind::Constant;
      source.constant = location.constant;
      return source;
    case RawLocation::Kind::Register:
      if (!outlives_call(location.dwarf_register) || location.offset != 0)
        return make_error("a value in {}, which does not outlive a call", to_string(location));
      source.kind = ValueSource::Kind::Register;
      source.reg = *find_saved_register(location.dwarf_register);
      return source;
    case RawLocation::Kind::Direct:
      if (outlives_call(location.dwarf_register)) { // a sum, no place in the frame
        source.kind = ValueSource::Kind::Register;
        source.reg = *find_saved_register(location.dwarf_register);
        source.recipe = {{RecipeStep::Kind::Add, location.offset}};
        return source;
      }
      [[fallthrough]];
    case RawLocation::Kind::Indirect: {
      source.kind =
          location.kind == RawLocation::Kind::Direct ? ValueSource::Kind::FrameAddress : ValueSource::Kind::Frame;
      auto offset = cfa_offset(location);
      if (!offset)
        return make_error("a value in {}, which is not in the frame", to_string(location));
      source.cfa_offset = *offset;
      return source;
    }
    }
    return make_error("a location of unknown kind");
  }

private:
  /// A callee-saved register that holds a value, not the frame's base.
  bool outlives_call(std::uint16_t dwarf_register) const {
    bool is_frame_pointer = row_.base == CfaBase::FramePointer && dwarf_register == dwarf_frame_pointer;
    return find_saved_register(dwarf_register) && !is_frame_pointer;
  }

  std::optional<std::int32_t> cfa_offset(const RawLocation &location) const {
    std::int32_t offset = 0;
    if (location.dwarf_register == dwarf_stack_pointer)
      offset = location.offset - cfa_from_sp_;
    else if (location.dwarf_register == dwarf_frame_pointer && row_.base == CfaBase::FramePointer)
      offset = location.offset - row_.cfa_offset;
    else
      return std::nullopt;
    // Between the outgoing arguments and the return PC is this frame's own memory. Optimised code may also have left a
    // value where its caller passed it: good for reading, while baseline records are written through as well.
    bool own = offset >= -cfa_from_sp_ && offset < return_pc_cfa_offset;
    bool argument = tier_ == Tier::Optimized && offset >= 0 && offset < widest_arguments;
    if (!own && !argument)
      return std::nullopt;
    return offset;
  }

  const UnwindRow &row_;
  std::int32_t cfa_from_sp_;
  Tier tier_;
};

Expected<RecordedValue> resolve_value(const LoweredValue &lowered, ArrayRef<RawLocation> locations,
                                      const LocationResolver &resolver, SymbolLookup lookup) {
  RecordedValue value;
  value.size = lowered.size;
  switch (lowered.kind) {
  case LoweredValue::Kind::Constant: value.source.constant = lowered.constant; break;
  case LoweredValue::Kind::Symbol: {
    auto address = lookup(lowered.symbol);
    if (!address)
      return address.takeError();
    value.source.constant = *address;
    break;
  }
  case LoweredValue::Kind::Operand:
  case LoweredValue::Kind::InMemory: {
    if (lowered.operand >= locations.size())
      return make_error("operand {} of {}", lowered.operand, locations.size());
    auto source = resolver.resolve(locations[lowered.operand]);
    if (!source)
      return source.takeError();
    value.source = std::move(*source);
    bool in_memory = lowered.kind == LoweredValue::Kind::InMemory;
    if (in_memory != (value.source.kind == ValueSource::Kind::FrameAddress))
      return make_error("{} does not fit a value {} memory", to_string(locations[lowered.operand]),
                        in_memory ? "in" : "outside");
    if (in_memory)
      value.source.kind = ValueSource::Kind::Frame;
    break;
  }
  }
  append_range(value.source.recipe, lowered.recipe);
  return value;
}

Expected<SiteRecord> resolve_record(const CompiledVersion &version, const RawRecord &raw,
                                    const LocationResolver &resolver, SymbolLookup lookup) {
  SiteRecord record;
  record.certified = version.key.tier == Tier::Baseline && !version.report.not_certified.contains(raw.id);
  ArrayRef<RawLocation> locations(raw.locations);
  for (const LoweredFrame &lowered : version.sites.records[raw.id].frames) {
    FrameRecord &frame = record.frames.emplace_back();
    frame.site = lowered.site;
    for (const LoweredValue &value : lowered.values) {
      auto resolved = resolve_value(value, locations, resolver, lookup);
      if (!resolved)
        return make_error("site {}, value {}: {}", lowered.site.index, frame.values.size(),
                          toString(resolved.takeError()));
      frame.values.push_back(std::move(*resolved));
    }
  }
  return record;
}

} // namespace

Expected<ResolvedRecords> resolve_records(const CompiledVersion &version, const RawStackMap &map,
                                          const UnwindRows &rows, std::uint64_t code_begin, SymbolLookup lookup) {
  ResolvedRecords result;
  if (map.records.empty())
    return result;
  if (map.functions.size() != 1 || map.functions[0].stack_size == unknown_frame_size)
    return make_error("'{}': the stack map describes {} functions, one with a fixed frame is expected", version.symbol,
                      map.functions.size());
  result.cfa_from_sp = std::int32_t(map.functions[0].stack_size) - return_pc_cfa_offset;
  for (const RawRecord &raw : map.records) {
    std::uint64_t pc = map.functions[0].address + raw.instruction_offset;
    const UnwindRow *row = rows.find(pc - 1 - code_begin);
    if (!row || !row->usable)
      return make_error("'{}': no unwind row at return PC {:#x}", version.symbol, pc);
    if (row->base == CfaBase::StackPointer && row->cfa_offset != result.cfa_from_sp)
      return make_error("'{}': CFA is {}+{} by the unwind row, +{} by the stack map", version.symbol,
                        stack_pointer_name, row->cfa_offset, result.cfa_from_sp);
    if (raw.id >= version.sites.records.size() || version.sites.records[raw.id].frames.empty())
      return make_error("'{}': stack map {} belongs to no site", version.symbol, raw.id);
    auto record = resolve_record(version, raw, LocationResolver(*row, result.cfa_from_sp, version.key.tier), lookup);
    if (!record)
      return make_error("'{}': {}", version.symbol, toString(record.takeError()));
    record->return_pc_offset = std::uint32_t(pc - code_begin);
    result.records.push_back(std::move(*record));
  }
  return result;
}

} // namespace osr
