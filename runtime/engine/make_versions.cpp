// How versions come about: compiled, linked, described, registered.
#include "runtime/engine/version_store.h"

#include "compiler/base/address_of.h"
#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "compiler/canonical/lower_objects.h"
#include "compiler/tiers/count_heat.h"
#include "runtime/code/frame_description.h"
#include "runtime/code/real_lines.h"
#include "runtime/code/sync_cores.h"
#include "runtime/engine/intern_name.h"
#include "runtime/engine/resolve_records.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

const LinkedFunction *find_entry(const LinkedObject &linked, const std::string &symbol) {
  const LinkedFunction *entry = linked.find_function(symbol + entry_suffix);
  return entry ? entry : linked.find_function(symbol);
}

void name_code(CodeObject &object, const std::string &function) {
  object.function_name = intern_name(name_for_people(function));
  object.name = intern_name(function + "$" + to_string(object.tier) +
                            (object.continuation_site ? "@" + std::to_string(*object.continuation_site) : ""));
}

std::vector<DebugSymbol> symbols_of(const CodeObject &object) {
  std::vector<DebugSymbol> symbols;
  symbols.reserve(object.linked.functions.size());
  for (const LinkedFunction &function : object.linked.functions)
    symbols.push_back({function.name, function.address, function.size});
  return symbols;
}

/// Refers to all of it.
DebugCode code_for_debuggers(const CodeObject &object, ArrayRef<DebugSymbol> symbols, const LineProgram &lines,
                             const DebugSites *sites) {
  return {object.code_begin,
          object.code_size,
          symbols,
          object.linked.eh_frame_bytes(),
          object.linked.eh_frame.begin,
          &lines,
          sites};
}

/// False: the source says nothing of it.
bool tell_of_sites(Version &version, SiteDescriber &describer) OSR_REQUIRES(engine_lock) {
  const CodeObject &object = version.object;
  if (object.function == no_function || object.code_size == 0 || object.state() == CodeState::Freed)
    return false;
  const std::optional<DebugSites> sites = describer.describe(object);
  if (!sites)
    return false;
  const LineProgram lines = version.debugger.lines();
  version.debugger.tell_anew(code_for_debuggers(object, symbols_of(object), lines, &*sites));
  return true;
}

/// What the numbers of lines mean that stand in code of bodies that came later (compiler/codegen/numbered_lines.h).
std::optional<RealLine> real_line(const CanonicalProgram &program, StringRef file, unsigned number) {
  const BodyLines *lines = lines_of_file(program, file);
  if (!lines)
    return std::nullopt;
  const LineInFile *found = lines->find(number);
  if (!found)
    return RealLine();
  const SourceFile &in = (*lines->files)[found->file];
  return RealLine{in.directory, in.name, found->line};
}

} // namespace

std::size_t VersionStore::describe_sites_by(SiteDescriber &describer) {
  describer_ = &describer;
  std::size_t told = 0;
  for (auto &[key, version] : versions_)
    if (version)
      told += tell_of_sites(*version, describer);
  for (auto &version : retired_)
    told += tell_of_sites(*version, describer);
  return told;
}

Expected<const Version *> VersionStore::find_or_compile_baseline(FunctionId function) {
  const VersionKey key{function, Tier::Baseline, std::nullopt};
  if (const Version *version = find(key))
    return version;
  if (const std::string *failure = find_failure(key))
    return make_error("{}", *failure);
  const auto begun = Trace::Clock::now();
  auto version = compile(key);
  if (version)
    show(**version);
  return remember(key, told(begun, key, std::move(version)));
}

Expected<std::unique_ptr<Version>> VersionStore::told(Trace::Clock::time_point begun, const VersionKey &key,
                                                      Expected<std::unique_ptr<Version>> made) {
  if (made) {
    events_.compiled(begun, (*made)->object);
    return made;
  }
  Error error = made.takeError();
  const ErrorCode code = code_of(error);
  const std::string reason = toString(std::move(error));
  events_.not_compiled(begun, key, reason);
  return make_error(code, "{}", reason);
}

Expected<std::unique_ptr<Version>> VersionStore::compile(const VersionKey &key) {
  auto version = std::make_unique<Version>();
  if (freeing_ == Freeing::ResidenceCounting)
    version->residents = std::make_unique<ResidenceCounter>(0);
  if (heat_of_ && key.tier == Tier::Baseline)
    version->object.heat = heat_of_(key.function);
  auto compiled = compiler_.compile(key, {version->residents.get(), version->object.heat});
  if (!compiled)
    return compiled.takeError();
  return link(std::move(*compiled), std::move(version));
}

Expected<std::unique_ptr<Version>> VersionStore::link(CompiledVersion compiled, std::unique_ptr<Version> version) {
  llvm::SmallVector<AbsoluteSymbol, 1> own;
  if (const HeatCounter *heat = version->object.heat)
    own.emplace_back(heat_counter_symbol, address_of(heat));
  auto linked = session_.link(std::move(compiled.object), Visibility::Private, own);
  if (!linked)
    return linked.takeError();
  version->object.linked = std::move(*linked);
  if (Error error = fill(*version, compiled)) {
    consumeError(session_.unload(version->object.linked));
    return error;
  }
  count(compiled, *version);
  return version;
}

void VersionStore::discard(std::unique_ptr<Version> version) {
  forget_inlined(version->object);
  version->debugger = {};
  consumeError(session_.unload(version->object.linked));
}

void VersionStore::show(Version &version) {
  if (statistics_.freed.any())
    sync_cores();
  registry_.add(version.object);
  version.object.advance_to(CodeState::InUse);
}

Error VersionStore::fill(Version &version, const CompiledVersion &compiled) {
  CodeObject &object = version.object;
  const LinkedObject &linked = object.linked;
  const LinkedFunction *entry = find_entry(linked, compiled.symbol);
  if (!entry || linked.code.size() == 0)
    return make_error("the object of '{}' has no code of it", compiled.symbol);
  object.id = next_id_++;
  object.function = compiled.key.function;
  object.tier = compiled.key.tier;
  object.continuation_site = compiled.key.continuation_site;
  if (Error error = describe_code(version))
    return error;
  object.entry_pc = entry->address;
  name_code(object, program().functions[object.function].name);
  RawStackMap map;
  if (!linked.stack_map.empty()) {
    auto parsed = parse_stack_map(linked.stack_map);
    if (!parsed)
      return make_error("'{}': {}", compiled.symbol, toString(parsed.takeError()));
    map = std::move(*parsed);
  }
  auto resolved = resolve_records(compiled, map, object.rows, object.code_begin,
                                  [&](StringRef symbol) { return session_.lookup(symbol); });
  if (!resolved)
    return resolved.takeError();
  object.cfa_from_sp = resolved->cfa_from_sp;
  object.sites = SiteTable::build(resolved->records);
  if (Error error = describe_records(object, resolved->records))
    return error;
  index_records(version, resolved->records);
  tell_debuggers(version);
  return Error::success();
}

/// What the records say of the whole of it. The error names one that a collector could not do with.
Error VersionStore::describe_records(CodeObject &object, ArrayRef<SiteRecord> records) const {
  const auto uses_references = [this](FunctionId function) { return program().functions[function].uses_references; };
  object.has_loop_sites =
      any_of(records, [&](const SiteRecord &record) OSR_REQUIRES(engine_lock) { return is_at_poll(record); });
  object.uses_references =
      uses_references(object.function) || any_of(records, [&](const SiteRecord &record) {
        return any_of(record.frames, [&](const FrameRecord &frame) { return uses_references(frame.site.function); });
      });
  if (!object.uses_references || object.tier != Tier::Baseline)
    return Error::success();
  const auto *bare = find_if_not(records, [](const SiteRecord &record) { return record.certified; });
  if (bare == records.end())
    return Error::success();
  return make_error("'{}': site {} has no certificate, so a collector might not find all references there",
                    program().functions[object.function].name, bare->frames[0].site.index);
}

/// By what they are looked for: functions that are inlined there, and numbers of sites.
void VersionStore::index_records(Version &version, ArrayRef<SiteRecord> records) {
  const CodeObject &object = version.object;
  for (const SiteRecord &record : records)
    for (const FrameRecord &frame : drop_begin(record.frames))
      if (frame.site.function != object.function)
        inlined_at_[frame.site.function].push_back(site_key(object, object.code_begin + record.return_pc_offset));
  if (object.tier != Tier::Baseline)
    return;
  for (const SiteRecord &record : records) {
    const std::uint32_t site = record.frames[0].site.index;
    if (version.return_pc_offsets.size() <= site)
      version.return_pc_offsets.resize(site + 1);
    version.return_pc_offsets[site] = record.return_pc_offset;
  }
}

/// Where the code is and how to unwind out of it.
Error VersionStore::describe_code(Version &version) {
  CodeObject &object = version.object;
  const LinkedObject &linked = object.linked;
  object.code_begin = linked.code.begin;
  object.code_size = linked.code.size();
  std::vector<UnwindRange> linker_stubs;
  if (linked.linker_stubs.size())
    linker_stubs.push_back({std::uint32_t(linked.linker_stubs.begin - linked.code.begin),
                            std::uint32_t(linked.linker_stubs.size()), UnwindRow::leaf()});
  auto rows = UnwindRows::from_eh_frame(linked.eh_frame_bytes(), linked.eh_frame.begin, object.code_begin,
                                        object.code_size, linker_stubs);
  if (!rows)
    return rows.takeError();
  object.rows = std::move(*rows);
  const auto section = linked.eh_frame_bytes();
  for_each_fde(
      {section.data(), section.size()}, linked.eh_frame.begin,
      [&](std::uint64_t offset, const FrameDescription &fde) {
        object.fdes.push_back(
            {fde.begin, fde.end, linked.eh_frame.begin + offset, fde.personality_function(), fde.lsda});
        return true;
      },
      [](std::uint64_t) {}); // would have been malformed above
  const auto *tables = reinterpret_cast<const std::uint8_t *>(linked.exception_tables.begin);
  object.exception_tables.assign(tables, tables + linked.exception_tables.size());
  if (has_file_that_begins_with(linked.lines, body_file_prefix))
    object.linked.lines = with_real_lines(linked.lines, [&](StringRef file, unsigned number) OSR_REQUIRES(engine_lock) {
      return real_line(program(), file, number);
    });
  return Error::success();
}

/// Once all is known of it.
void VersionStore::tell_debuggers(Version &version) {
  CodeObject &object = version.object;
  version.debugger = DebuggerRegistration(code_for_debuggers(object, symbols_of(object), object.linked.lines, nullptr));
  if (describer_)
    tell_of_sites(version, *describer_);
  object.linked.lines = {}; // the debugger's copy is enough
}

Expected<const Version *> VersionStore::add_foreign(LinkedObject linked) {
  auto version = std::make_unique<Version>();
  version->object.linked = std::move(linked);
  if (version->object.linked.code.size() != 0) {
    version->object.id = next_id_++;
    version->object.function = no_function;
    if (Error error = describe_code(*version))
      return error;
    tell_debuggers(*version);
    registry_.add(version->object);
  }
  return foreign_.emplace_back(std::move(version)).get();
}

void VersionStore::remove_foreign(const Version &foreign) {
  auto found = find_if(foreign_, [&](const auto &version) { return version.get() == &foreign; });
  OSR_CHECK(found != foreign_.end(), "code object {} holds no variables", foreign.object.id);
  unload(**found);
  foreign_.erase(found);
}

void VersionStore::count(const CompiledVersion &compiled, const Version &version) {
  Statistics::Compile &counts =
      statistics_.compile[compiled.key.continuation_site ? "continuation" : to_string(compiled.key.tier)];
  ++counts.count;
  counts.from_cache += compiled.is_from_cache;
  counts.seconds += compiled.seconds;
  counts.code_bytes += version.object.code_size;
  counts.map_bytes_raw += version.object.linked.stack_map.size();
  counts.map_bytes_compact += version.object.sites.bytes();
  counts.sites += version.object.sites.size();
  if (compiled.key.tier == Tier::Baseline)
    counts.certified += version.object.sites.size() - compiled.report.not_certified.size();
  for (const auto &[number, reason] : compiled.report.not_certified)
    ++counts.refused["no certificate: " + reason];
  counts.spilled += compiled.fallbacks.size();
  statistics_.speculation.branches += compiled.speculations.branches;
  statistics_.speculation.single_calls += compiled.speculations.single_calls;
  statistics_.speculation.tested_calls += compiled.speculations.tested_calls;
  statistics_.speculation.inlined += compiled.speculations.inlined;
  for (const auto &[number, reason] : compiled.sites.hidden)
    ++counts.refused["stores may wait across it: " + reason];
  for (std::uint32_t number = 0; number < compiled.sites.forms.size(); ++number)
    if (const SiteForm form = compiled.sites.forms[number];
        form == SiteForm::Refused && !compiled.sites.hidden.contains(number))
      ++counts.refused["not describable in optimised code"];
    else if (form == SiteForm::TailCall)
      ++counts.refused["tail call"];
}

} // namespace osr
