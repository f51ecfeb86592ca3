#include "runtime/inspect/debugger_variables.h"

#include "runtime/code/debug_types.h"
#include "runtime/inspect/debug_places.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

std::string path_of(const SourceLine &line) {
  if (line.file.empty() || line.file.front() == '/' || line.directory.empty())
    return line.file;
  return line.directory + "/" + line.file;
}

} // namespace

Expected<std::size_t> DebuggerVariables::provide() {
  if (Error error = sources_.prepare())
    return error;
  Lock lock(engine_.mutex(), after_waiting);
  const std::size_t told = engine_.versions().describe_sites_by(*this);
  engine_.stubs().describe_sites();
  return told;
}

std::optional<DebugSites> DebuggerVariables::describe(const CodeObject &code) {
  Known known;
  const FunctionSource *source = source_of(code.function, known);
  if (!source)
    return std::nullopt;
  DebugSites described{source->language, {}, sources_.types()};
  code.sites.for_each([&](const SiteRecord &record) OSR_REQUIRES(engine_lock) {
    described.sites.push_back(describe(record, code.code_begin + record.return_pc_offset, known));
  });
  return described;
}

std::optional<DebugSites> DebuggerVariables::describe(const CodeObject &code, std::uint64_t return_pc,
                                                      std::uint64_t seen) {
  Known known;
  const FunctionSource *source = source_of(code.function, known);
  const std::optional<SiteRecord> record = code.sites.find(code.offset_of(return_pc));
  if (!source || !record)
    return std::nullopt;
  return DebugSites{source->language, {describe(*record, seen, known)}, sources_.types()};
}

const FunctionSource *DebuggerVariables::source_of(FunctionId body, Known &known) {
  const auto [found, is_new] = known.try_emplace(body);
  if (is_new)
    found->second = sources_.find(body);
  return found->second;
}

DebugSite DebuggerVariables::describe(const SiteRecord &record, std::uint64_t return_pc, Known &known) {
  DebugSite site;
  site.return_pc = return_pc;
  for (const FrameRecord &inlined : reverse(record.frames))
    add_frames(inlined, source_of(inlined.site.function, known), site);
  return site;
}

/// One, and those of functions that the front end inlined in it.
void DebuggerVariables::add_frames(const FrameRecord &inlined, const FunctionSource *source, DebugSite &to) {
  const SourceSite *site =
      source && inlined.site.index < source->sites.size() ? &source->sites[inlined.site.index] : nullptr;
  const std::string &symbol = engine_.program().functions[inlined.site.function].name;
  if (!site || site->lines.empty()) {
    to.frames.emplace_back().function = StringRef(symbol).split(old_body_mark).first.str();
    return;
  }
  const std::size_t first = to.frames.size();
  for (const SourceLine &line : site->lines)
    to.frames.push_back({line.function, line.linkage_name, path_of(line), line.line, {}});
  add_variables(inlined, *source, MutableArrayRef(to.frames).drop_front(first));
}

void DebuggerVariables::add_variables(const FrameRecord &inlined, const FunctionSource &source,
                                      MutableArrayRef<DebugFrame> to) {
  const auto address_of = [&](const std::string &symbol) -> std::optional<std::uint64_t> {
    auto address = engine_.session().lookup(symbol);
    if (address)
      return *address;
    consumeError(address.takeError());
    return std::nullopt;
  };
  for (ArrayRef<VariableAtSite> left = source.sites[inlined.site.index].variables; !left.empty();) {
    const VariableAtSite &first = left.front();
    const ArrayRef<VariableAtSite> parts = left.take_while(
        [&](const VariableAtSite &part) { return part.variable == first.variable && part.line == first.line; });
    left = left.drop_front(parts.size());
    const SourceVariable &variable = source.variables[first.variable];
    const SourceType &type = sources_.type(variable.type);
    DebugVariable &described = to[first.line].variables.emplace_back();
    described.name = variable.name;
    described.type = variable.type;
    described.number = first.variable;
    described.line = variable.line;
    described.depth = variable.depth;
    described.is_parameter = variable.is_parameter;
    if (DebugTypes::has_values(type))
      described.place = debug_place(parts, type.bits, inlined, address_of);
  }
}

} // namespace osr
