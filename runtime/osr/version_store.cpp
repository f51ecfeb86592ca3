#include "runtime/osr/version_store.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "compiler/sites/loop_polls.h"
#include "runtime/code/frame_description.h"
#include "runtime/code/sync_cores.h"
#include "runtime/osr/resolve_records.h"
#include "runtime/osr/symbol_calls.h"
#include "runtime/osr/trace_events.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringSet.h>

using namespace llvm;

namespace osr {

std::uint64_t Version::return_pc(std::uint32_t site) const {
  std::uint32_t offset = site < return_pc_offsets.size() ? return_pc_offsets[site] : 0;
  return offset ? object.code_begin + offset : 0;
}

VersionStore::~VersionStore() {
  for (auto &version : foreign_) {
    if (version->object.code_size != 0)
      registry_.remove(version->object);
    consumeError(session_.unload(version->object.linked));
  }
  for (auto &[key, version] : versions_)
    retired_.push_back(std::move(version));
  for (auto &version : retired_)
    if (version->object.state() != CodeState::Freed)
      free_code(*version);
}

Expected<const Version *> VersionStore::find_or_compile(const VersionKey &key) {
  if (auto found = versions_.find(key); found != versions_.end())
    return found->second.get();
  if (auto failed = failures_.find(key); failed != failures_.end())
    return make_error("{}", failed->second);
  auto version = make(key);
  if (!version) {
    std::string reason = toString(version.takeError());
    failures_[key] = reason;
    return make_error("{}", reason);
  }
  return (versions_[key] = std::move(*version)).get();
}

const Version *VersionStore::adopt(std::unique_ptr<Version> version) {
  auto [position, inserted] = versions_.try_emplace(version->object.version(), std::move(version));
  OSR_CHECK(inserted, "there is code object {} already", position->second->object.id);
  return position->second.get();
}

std::vector<const Version *> VersionStore::versions_of(FunctionId function, Tier tier) const {
  std::vector<const Version *> found;
  for (auto next = versions_.lower_bound({function, tier, std::nullopt});
       next != versions_.end() && next->first.function == function && next->first.tier == tier; ++next)
    found.push_back(next->second.get());
  return found;
}

void VersionStore::for_each_in_use(function_ref<void(const Version &)> visit) const {
  for (const auto &[key, version] : versions_)
    visit(*version);
}

std::vector<const Version *> VersionStore::find(ArrayRef<CodeObjectId> ids) const {
  std::vector<const Version *> found;
  auto consider = [&](const Version &version) {
    if (is_contained(ids, version.object.id) && version.object.state() != CodeState::Freed)
      found.push_back(&version);
  };
  for (const auto &[key, version] : versions_)
    consider(*version);
  for (const auto &version : retired_)
    consider(*version);
  return found;
}

ArrayRef<SiteKey> VersionStore::inlined_at(FunctionId function) const {
  auto found = inlined_at_.find(function);
  return found == inlined_at_.end() ? ArrayRef<SiteKey>() : ArrayRef(found->second);
}

bool VersionStore::mentions(FunctionId body) const {
  auto next = versions_.lower_bound({body, Tier::Baseline, std::nullopt});
  return (next != versions_.end() && next->first.function == body) || !inlined_at(body).empty() ||
         any_of(retired_, [&](const auto &version) { return version->object.function == body; });
}

void VersionStore::forget_body(FunctionId body) {
  inlined_at_.erase(body);
  std::erase_if(failures_, [&](const auto &failure) { return failure.first.function == body; });
}

void VersionStore::retire(const Version &version) {
  auto found = versions_.find(version.object.version());
  OSR_CHECK(found != versions_.end() && found->second.get() == &version, "code object {} is not in use",
            version.object.id);
  found->second->object.advance_to(CodeState::NotEntrant);
  retired_.push_back(std::move(found->second));
  versions_.erase(found);
}

void VersionStore::free_code(Version &version) {
  CodeObject &object = version.object;
  object.advance_to(CodeState::Quiescent);
  registry_.remove(object);
  if (Trace *trace = Trace::active())
    trace_free(*trace, program(), object);
  registry_.collect(); // walks take the runtime's lock, so none is under way
  version.debugger = {};
  if (Error error = session_.unload(object.linked))
    OSR_CHECK(false, "code object {} cannot be unloaded: {}", object.id, toString(std::move(error)));
  object.advance_to(CodeState::Freed);
  failures_.clear(); // there may have been no memory for it
  ++statistics_.freed.objects;
  statistics_.freed.code_bytes += object.code_size;
}

void VersionStore::forget(Version &version) {
  const CodeObject &object = version.object;
  OSR_CHECK(object.state() == CodeState::Freed, "code object {} is {}", object.id, to_string(object.state()));
  forget_inlined(object);
  retired_.remove_if([&](const auto &other) { return other.get() == &version; });
}

void VersionStore::forget_inlined(const CodeObject &object) {
  for (auto &[function, keys] : inlined_at_)
    llvm::erase_if(keys, [&](SiteKey key) { return object_of(key) == object.id; });
}

bool VersionStore::is_at_poll(const SiteRecord &record) const {
  SiteId site = record.frames.back().site;
  return is_loop_site(program().functions[site.function].sites[site.index]);
}

Expected<std::unique_ptr<Version>> VersionStore::make(const VersionKey &key) {
  for (const auto begin = Trace::Clock::now();;) {
    std::optional<SiteId> dead_end;
    auto version = try_make(key, dead_end);
    if (!dead_end) {
      if (Trace *trace = Trace::active())
        trace_compile(*trace, begin, program(), key, version ? &(*version)->object : nullptr);
      return version;
    }
    consumeError(version.takeError());
    compiler_.drop_assumption(*dead_end);
  }
}

Expected<std::unique_ptr<Version>> VersionStore::try_make(const VersionKey &key, std::optional<SiteId> &dead_end) {
  std::unique_ptr<ResidenceCounter> residents;
  if (freeing_ == Freeing::ResidenceCounting)
    residents = std::make_unique<ResidenceCounter>(0);
  HeatCounter *heat = heat_of_ && key.tier == Tier::Baseline ? heat_of_(key.function) : nullptr;
  auto compiled = compiler_.compile(key, {residents.get(), heat});
  if (!compiled)
    return compiled.takeError();
  auto linked = session_.link(std::move(compiled->object), Visibility::Private);
  if (!linked)
    return linked.takeError();
  auto version = std::make_unique<Version>();
  version->residents = std::move(residents);
  version->object.heat = heat;
  version->object.linked = std::move(*linked);
  if (Error error = fill(*version, *compiled)) {
    consumeError(session_.unload(version->object.linked));
    return error;
  }
  if (exit_check_)
    dead_end = exit_check_(*version);
  if (dead_end) {
    forget_inlined(version->object);
    consumeError(session_.unload(version->object.linked));
    return make_error("an assumption cannot be made");
  }
  if (statistics_.freed.any())
    sync_cores();
  registry_.add(version->object);
  version->object.advance_to(CodeState::InUse);
  count(*compiled, *version);
  return version;
}

Error VersionStore::fill(Version &version, const CompiledVersion &compiled) {
  CodeObject &object = version.object;
  const LinkedObject &linked = object.linked;
  const LinkedFunction *entry = linked.find_function(compiled.symbol);
  if (!entry)
    return make_error("the object of '{}' does not define it", compiled.symbol);
  object.id = next_id_++;
  object.function = compiled.key.function;
  object.tier = compiled.key.tier;
  object.continuation_site = compiled.key.continuation_site;
  if (Error error = describe_code(version))
    return error;
  object.entry_pc = entry->address;
  const std::string &name = program().functions[object.function].name;
  object.function_name = intern_name(name);
  object.name = intern_name(name + "$" + to_string(object.tier) +
                            (object.continuation_site ? "@" + std::to_string(*object.continuation_site) : ""));

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
  object.has_loop_sites = any_of(resolved->records, [&](const SiteRecord &record) { return is_at_poll(record); });
  for (const SiteRecord &record : resolved->records)
    for (const FrameRecord &frame : drop_begin(record.frames))
      if (frame.site.function != object.function)
        inlined_at_[frame.site.function].push_back(site_key(object, object.code_begin + record.return_pc_offset));
  if (object.tier == Tier::Baseline)
    for (const SiteRecord &record : resolved->records) {
      std::uint32_t site = record.frames[0].site.index;
      if (version.return_pc_offsets.size() <= site)
        version.return_pc_offsets.resize(site + 1);
      version.return_pc_offsets[site] = record.return_pc_offset;
    }
  return Error::success();
}

/// Where the code is and how to unwind out of it, for our walks and for debuggers.
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
  std::vector<DebugSymbol> symbols;
  for (const LinkedFunction &function : linked.functions)
    symbols.push_back({function.name, function.address, function.size});
  version.debugger = DebuggerRegistration(DebugCode{object.code_begin, object.code_size, symbols,
                                                    linked.eh_frame_bytes(), linked.eh_frame.begin, &linked.lines});
  object.linked.lines = {}; // the debugger's copy is enough
  return Error::success();
}

Error VersionStore::add_foreign(LinkedObject linked) {
  auto version = std::make_unique<Version>();
  version->object.linked = std::move(linked);
  if (version->object.linked.code.size() != 0) {
    version->object.id = next_id_++;
    version->object.function = no_function;
    if (Error error = describe_code(*version))
      return error;
    registry_.add(version->object);
  }
  foreign_.push_back(std::move(version));
  return Error::success();
}

void VersionStore::count(const CompiledVersion &compiled, const Version &version) {
  Statistics::Compile &counts =
      statistics_.compile[compiled.key.continuation_site ? "continuation" : to_string(compiled.key.tier)];
  ++counts.count;
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
  for (SiteForm form : compiled.sites.forms)
    if (form == SiteForm::Refused)
      ++counts.refused["not describable in optimised code"];
    else if (form == SiteForm::TailCall)
      ++counts.refused["tail call"];
}

} // namespace osr
