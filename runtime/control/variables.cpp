#include "runtime/control/variables.h"

#include "runtime/control/source_values.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstring>
#include <sys/uio.h>
#include <unistd.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t largest_shown = 4096; ///< bytes of one variable; of a larger one the beginning

/// Nobody knows whether it is mapped.
bool read_now(std::uint64_t address, std::byte *to, std::size_t size) {
  const iovec ours{to, size}, theirs{reinterpret_cast<void *>(address), size};
  return ::process_vm_readv(::getpid(), &ours, 1, &theirs, 1, 0) == ssize_t(size);
}

class Describing {
public:
  Describing(Engine &engine, ArrayRef<SourceType> types, const FunctionSource &source, const FrameRecord &inlined,
             const ThreadSnapshot &thread, const FrameSnapshot &frame)
      : engine_(engine), types_(types), source_(source), inlined_(inlined), thread_(thread), frame_(frame) {}

  /// All parts of one variable.
  json describe(ArrayRef<VariableAtSite> parts) OSR_REQUIRES(engine_lock) {
    const SourceVariable &variable = source_.variables[parts.front().variable];
    const SourceType &type = types_[variable.type];
    json shown{{"name", variable.name}, {"type", type.name}};
    if (variable.is_parameter)
      shown["parameter"] = true;
    if (variable.line)
      shown["declared"] = variable.line;
    begin(type);
    for (const VariableAtSite &part : parts)
      add(part, shown);
    if (known_.any())
      shown["value"] = SourceValues([&](SourceTypeId id) -> const SourceType & { return types_[id]; }, bytes_, known_)
                           .show(variable.type);
    return shown;
  }

private:
  void begin(const SourceType &type) {
    const std::uint64_t bytes = std::min((type.bits + 7) / 8, largest_shown);
    bytes_.assign(bytes, 0);
    known_.clear();
    known_.resize(unsigned(bytes));
  }

  void add(const VariableAtSite &part, json &shown) OSR_REQUIRES(engine_lock) {
    if (part.place == VariableAtSite::Place::Nowhere)
      return;
    std::vector<std::byte> value(std::max<std::size_t>(part.value.size, sizeof(std::uint64_t)));
    if (!read_value(engine_, part.value, inlined_, thread_, frame_, value.data()))
      return;
    const std::uint64_t offset = part.bit_offset / 8, wanted = (part.bits + 7) / 8;
    if (part.bit_offset % 8 != 0 || offset >= bytes_.size())
      return;
    const std::uint64_t size = std::min(wanted, bytes_.size() - offset);
    auto *to = reinterpret_cast<std::byte *>(bytes_.data()) + offset;
    if (part.place == VariableAtSite::Place::Value) {
      if (size > value.size())
        return;
      std::memcpy(to, value.data(), size);
    } else {
      std::uint64_t address = 0;
      std::memcpy(&address, value.data(), sizeof(address));
      if (offset == 0)
        shown["address"] = fmt::format("{:#x}", address);
      // What is on the stack was copied with it; variables of the program are what they are now.
      if (!thread_.read_memory(address, to, size) &&
          (part.value.kind != PointValue::Kind::Symbol || !read_now(address, to, size)))
        return;
    }
    known_.set(unsigned(offset), unsigned(offset + size));
  }

  Engine &engine_;
  ArrayRef<SourceType> types_;
  const FunctionSource &source_;
  const FrameRecord &inlined_;
  const ThreadSnapshot &thread_;
  const FrameSnapshot &frame_;
  std::vector<std::uint8_t> bytes_; ///< of the variable that is described
  BitVector known_;
};

} // namespace

json describe_lines(const SourceSite &site) {
  json lines = json::array();
  for (const SourceLine &line : site.lines) {
    json &described = lines.emplace_back(json{{"function", line.function}, {"file", line.file}});
    if (line.line)
      described["line"] = line.line;
  }
  return lines;
}

json describe_variables(Engine &engine, ArrayRef<SourceType> types, const FunctionSource &source,
                        const FrameRecord &inlined, const ThreadSnapshot &thread, const FrameSnapshot &frame) {
  Describing describing(engine, types, source, inlined, thread, frame);
  const SourceSite &site = source.sites[inlined.site.index];
  json variables = json::array();
  for (ArrayRef<VariableAtSite> left = site.variables; !left.empty();) {
    const VariableAtSite &first = left.front();
    const ArrayRef<VariableAtSite> parts = left.take_while(
        [&](const VariableAtSite &part) { return part.variable == first.variable && part.line == first.line; });
    json &described = variables.emplace_back(describing.describe(parts));
    if (first.line != 0)
      described["inlined_in"] = first.line;
    left = left.drop_front(parts.size());
  }
  return variables;
}

} // namespace osr
