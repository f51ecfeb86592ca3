#include "runtime/inspect/debugger_variables.h"

#include "compiler/base/error.h"
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
  if (globals_.empty())
    tell_globals();
  const std::size_t told = engine_.versions().describe_sites_by(*this);
  engine_.stubs().describe_sites();
  return told;
}

/// A unit for each file.
void DebuggerVariables::tell_globals() {
  std::map<std::string, DebugSites> files;
  for (const SourceGlobal &global : sources_.globals()) {
    std::optional<std::uint64_t> address;
    if (engine_.program().defines(global.symbol)) {
      if (auto found = engine_.session().lookup(global.symbol))
        address = *found;
      else
        consumeError(found.takeError());
    }
    DebugSites &file = files[global.file];
    file.file = global.file;
    file.language = global.language;
    file.globals.push_back(
        {global.name, global.linkage_name, global.namespaces, global.line, global.type, global.is_local, address});
  }
  for (auto &[name, file] : files) {
    file.types = {sources_.types()};
    DebugCode unit;
    unit.sites = &file;
    globals_.emplace_back().tell_anew(unit);
  }
}

std::optional<DebugSites> DebuggerVariables::describe(const CodeObject &code) {
  Known known;
  const FunctionSource *source = find(code.function, known).source;
  if (!source)
    return std::nullopt;
  DebugSites described;
  described.language = source->language;
  code.sites.for_each([&](const SiteRecord &record) OSR_REQUIRES(engine_lock) {
    described.sites.push_back(describe(record, code.code_begin + record.return_pc_offset, known));
  });
  described.types = std::move(known.types);
  return described;
}

std::optional<DebugSites> DebuggerVariables::describe(const CodeObject &code, std::uint64_t return_pc,
                                                      std::uint64_t seen) {
  Known known;
  const FunctionSource *source = find(code.function, known).source;
  const std::optional<SiteRecord> record = code.sites.find(code.offset_of(return_pc));
  if (!source || !record)
    return std::nullopt;
  DebugSites described;
  described.language = source->language;
  described.sites.push_back(describe(*record, seen, known));
  described.types = std::move(known.types);
  return described;
}

DebuggerVariables::Known::Body DebuggerVariables::find(FunctionId body, Known &known) {
  const auto [found, is_new] = known.bodies.try_emplace(body);
  if (!is_new)
    return found->second;
  auto source = redefiner_.source_of_body(body);
  if (!source) {
    consumeError(source.takeError()); // its frames have names
    return {};
  }
  auto table = find_if(known.types, [&](ArrayRef<SourceType> types) { return types.data() == source->types.data(); });
  if (table == known.types.end())
    table = known.types.insert(table, source->types);
  return found->second = {source->source, std::uint32_t(table - known.types.begin())};
}

DebugSite DebuggerVariables::describe(const SiteRecord &record, std::uint64_t return_pc, Known &known) {
  DebugSite site;
  site.return_pc = return_pc;
  for (const FrameRecord &inlined : reverse(record.frames))
    add_frames(inlined, known, site);
  return site;
}

/// One, and those of functions that the front end inlined in it.
void DebuggerVariables::add_frames(const FrameRecord &inlined, Known &known, DebugSite &to) {
  const Known::Body body = find(inlined.site.function, known);
  const FunctionSource *source = body.source;
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
  add_variables(inlined, body, known.types[body.table], MutableArrayRef(to.frames).drop_front(first));
}

void DebuggerVariables::add_variables(const FrameRecord &inlined, const Known::Body &body, ArrayRef<SourceType> types,
                                      MutableArrayRef<DebugFrame> to) {
  const FunctionSource &source = *body.source;
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
    const SourceType &type = types[variable.type];
    DebugVariable &described = to[first.line].variables.emplace_back();
    described.name = variable.name;
    described.type = variable.type;
    described.table = body.table;
    described.number = first.variable;
    described.line = variable.line;
    described.depth = variable.depth;
    described.is_parameter = variable.is_parameter;
    if (DebugTypes::has_values(type))
      described.place = debug_place(parts, type.bits, inlined, address_of);
  }
}

} // namespace osr
