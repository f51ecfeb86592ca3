#include "runtime/engine/stub_factory.h"

#include "compiler/base/check.h"
#include "compiler/tiers/continuation.h"
#include "osr-stubs/emitter.h"
#include "osr-stubs/script_check.h"
#include "runtime/code/exception_table.h"
#include "runtime/code/sync_cores.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"

#include <cstring>
#include <deque>

using namespace llvm;

namespace osr {

StubFactory::~StubFactory() {
  for (auto &[key, stub] : stubs_)
    release(stub);
  for (auto &node : retired_)
    release(node.mapped());
}

std::optional<VersionKey> StubFactory::continuation_for(const CodeObject &code, std::uint64_t return_pc,
                                                        Landing landing) const {
  if (landing != Landing::Continuation || site_objection(code, return_pc))
    return std::nullopt;
  const SiteId site = site_maps_.apply(*code.sites.find(code.offset_of(return_pc))).frames.back().site;
  return VersionKey{site.function, Tier::Optimized, site.index};
}

Expected<const ReturnStub *> StubFactory::find_or_make(const CodeObject &code, std::uint64_t return_pc,
                                                       Landing landing) {
  const Key key = key_of(code, return_pc, landing);
  if (auto found = stubs_.find(key); found != stubs_.end())
    return &found->second.stub;
  if (auto refused = refusals_.find(key); refused != refusals_.end())
    return refuse(refused->second);
  auto [position, inserted] = stubs_.try_emplace(key);
  if (Error error = make(code, return_pc, landing, position->second)) {
    stubs_.erase(position); // what it was going to lead to does not matter
    return refuse(refusals_[key] = refusal_of(std::move(error)));
  }
  return &position->second.stub;
}

/// Why no stub can stand for the site, wherever it leads; nothing: one can.
std::optional<RefusalKind> StubFactory::site_objection(const CodeObject &code, std::uint64_t return_pc) const {
  const std::optional<SiteRecord> record = code.sites.find(code.offset_of(return_pc));
  const UnwindRow *row = code.rows.find(code.offset_of(return_pc) - 1);
  if (!record || !row || !row->usable) // inline assembly may describe the frame as it likes
    return RefusalKind::NoDescription;
  return !rules_.splits && record->frames.size() > 1 ? std::optional(RefusalKind::Split) : std::nullopt;
}

Error StubFactory::make(const CodeObject &object, std::uint64_t return_pc, Landing landing, Stub &stub) {
  if (const auto objection = site_objection(object, return_pc))
    return refuse(*objection);
  const std::optional<SiteRecord> record = object.sites.find(object.offset_of(return_pc));
  const UnwindRow *row = object.rows.find(object.offset_of(return_pc) - 1);
  stub.stub.from = &object;
  auto planned = plan(stub, *record, *row, landing);
  statistics_.fault_seeded = faults_.seeded();
  if (!planned)
    return planned.takeError();

  if (-planned->lowest_offset - object.cfa_from_sp > rules_.most_growth)
    return refuse(RefusalKind::Growth);
  stub.stub.original_pc = return_pc;
  stub.stub.lowest_offset = planned->lowest_offset;
  stub.stub.cfa_from_sp = object.cfa_from_sp;
  stub.script = std::move(planned->script);
  stub.script.counters = {landing == Landing::InPlace ? &statistics_.transitions.in_place
                                                      : &statistics_.transitions.continuation,
                          record->frames.size() > 1 ? &statistics_.transitions.split : nullptr};
  if (Trace *trace = Trace::active())
    stub.script.traced = stub.stub.traced = trace_transition(*trace, versions_.program(), object, *record, landing);
  if (Error error = prepare_exceptions(stub, landing == Landing::InPlace && record->frames.size() == 1))
    return error;
  if (landing == Landing::InPlace)
    stub.script.target_pc += rules_.landing_skip;
  if (auto objection = objection_to(stub.script))
    return refuse({RefusalKind::NoStub, *objection});
  if (Error error = emit(stub))
    return error;
  publish(stub, record->frames.front().site);
  table_.add(stub.stub.entry_pc, {return_pc, &object, &stub.stub, &stub.stub.inside});
  return Error::success();
}

Expected<TransitionPlan> StubFactory::plan(Stub &stub, SiteRecord record, UnwindRow row, Landing landing) {
  record = site_maps_.apply(std::move(record));
  faults_.on_old_frame(record, row);
  FromFrame from{record, row, stub.stub.from->cfa_from_sp};
  std::size_t in_place = record.frames.size() - (landing == Landing::Continuation ? 1 : 0);
  std::deque<SiteRecord> records; // landings refer to them
  std::vector<BaselineLanding> landings;
  for (std::size_t i = 0; i < in_place; ++i) {
    SiteId site = record.frames[i].site;
    auto version = versions_.find_or_compile_baseline(site.function);
    if (!version)
      return version.takeError();
    std::uint64_t pc = (*version)->return_pc(site.index);
    if (!pc)
      return refuse(RefusalKind::NoSuchSite);
    const CodeObject &code = (*version)->object;
    stub.stub.to.push_back(&code);
    records.push_back(*code.sites.find(code.offset_of(pc)));
    faults_.on_landing(records.back());
    landings.push_back({records.back(), *code.rows.find(code.offset_of(pc) - 1), code.cfa_from_sp, pc});
  }
  if (landing == Landing::InPlace)
    return plan_in_place(from, landings);

  SiteId site = record.frames.back().site;
  const VersionKey key{site.function, Tier::Optimized, site.index};
  const Version *version = versions_.find(key);
  if (!version) {
    const std::string *failure = versions_.find_failure(key);
    return refuse(failure ? Refusal{RefusalKind::Failed, *failure} : Refusal{RefusalKind::NoContinuation});
  }
  stub.stub.to.push_back(&version->object);
  const Site &described = versions_.program().functions[site.function].sites()[site.index];
  StateBufferLayout layout = state_buffer_layout(described);
  bool reads_result =
      described.result_used || described.result.stacked_floats != 0; // a stack of registers must be popped in any case
  return plan_continuation(from, landings,
                           {version->object.entry_pc, layout.offsets, layout.result_area_offset, layout.size,
                            reads_result ? described.result : ResultRegisters{}});
}

void StubFactory::retire_stubs_to(const CodeObject &code) {
  for (auto next = stubs_.begin(); next != stubs_.end();) {
    auto current = next++;
    if (!current->second.stub.leads_to(code))
      continue;
    current->second.stub.is_retired = true;
    retired_.push_back(stubs_.extract(current));
  }
}

void StubFactory::for_each_retired(function_ref<void(const ReturnStub &)> visit) const {
  for (const auto &node : retired_)
    visit(node.mapped().stub);
}

void StubFactory::for_each(function_ref<void(const ReturnStub &)> visit) const {
  for (const auto &[key, stub] : stubs_)
    visit(stub.stub);
  for_each_retired(visit);
}

void StubFactory::for_each_from(const CodeObject &from, function_ref<void(const ReturnStub &)> visit) const {
  for (auto next = stubs_.lower_bound({from.id, 0, Landing{}}); next != stubs_.end() && next->second.stub.from == &from;
       ++next)
    visit(next->second.stub);
}

std::size_t StubFactory::free_retired(function_ref<bool(const ReturnStub &)> is_pending) {
  return std::erase_if(retired_, [&](auto &node) OSR_REQUIRES(engine_lock) {
    if (is_pending(node.mapped().stub))
      return false;
    release(node.mapped());
    return true;
  });
}

std::size_t StubFactory::forget(const CodeObject &from) {
  std::size_t count = free_retired([&](const ReturnStub &stub) { return stub.from != &from; });
  for (auto next = stubs_.lower_bound({from.id, 0, Landing{}}); next != stubs_.end() && next->second.stub.from == &from;
       ++count) {
    release(next->second);
    next = stubs_.erase(next);
  }
  refusals_.clear(); // there may have been no memory for it
  return count;
}

void StubFactory::note_cause(std::uint64_t stub_pc) const noexcept {
  if (!Trace::active())
    return;
  if (TracedTransition *traced = static_cast<const ReturnStub *>(table_.find(stub_pc)->handle)->traced)
    traced->cause.store(std::uint32_t(Because::current()), std::memory_order_relaxed);
}

/// Debuggers forget it first.
void StubFactory::release(Stub &stub) {
  stub.debugger = {};
  table_.remove(stub.stub.entry_pc);
  arena_.release(stub.memory);
}

/// What an exception meets when it arrives at the site: where one frame becomes one frame, the new one is made as for a
/// return, and the exception lands in that. Else it lands in the old frame and the old code.
Error StubFactory::prepare_exceptions(Stub &stub, bool one_to_one) {
  const CodeObject &code = one_to_one ? *stub.stub.to.front() : *stub.stub.from;
  const std::uint64_t call = (one_to_one ? stub.script.target_pc : stub.stub.original_pc) - 1;
  auto fde = find_if(code.fdes, [&](const PlacedFde &each) { return each.begin <= call && call < each.end; });
  if (fde == code.fdes.end())
    return refuse(RefusalKind::NoUnwindInformation);
  if (fde->lsda == 0)
    return Error::success();
  auto handling =
      read_call_site(code.exception_tables, code.linked.exception_tables.begin, fde->lsda, fde->begin, call + 1);
  if (!handling)
    return handling.takeError();
  stub.personality = fde->personality;
  stub.handling = std::move(*handling);
  if (stub.handling.landing_pad == 0)
    return Error::success();
  if (one_to_one) {
    stub.landing_script = stub.script;
    stub.landing_script->target_pc = stub.handling.landing_pad;
    stub.landing_script->counters[1] = &statistics_.exceptions.landed_in_new;
    return Error::success();
  }
  if (code.state() == CodeState::Freed) // the frame waits for another transition already
    return refuse(RefusalKind::LandsInFreedCode);
  stub.stub.lands_in_old = true;
  return Error::success();
}

/// Debuggers and exceptions unwind through a pending stub as through the site it stands for: they look that up by the byte
/// before the entry. What is interrupted in the stub has no handlers.
void StubFactory::publish(Stub &stub, SiteId site) {
  std::uint64_t begin = stub.memory.address;
  auto size = std::uint32_t(stub.memory.size);
  ExceptionHandling exceptions;
  std::uint64_t function = begin;
  if (stub.personality) {
    function = begin_for(stub.handling, stub.stub.memory);
    stub.exception_table = build_exception_table(stub.handling, function, stub.stub.memory);
    exceptions = {stub.personality, reinterpret_cast<std::uint64_t>(stub.exception_table.data())};
  }
  const std::uint32_t before_entry = 1;
  std::vector<UnwindRange> inner = stub.rows;
  for (UnwindRange &range : inner)
    range.begin -= std::min(range.begin, before_entry);
  inner.front().size -= before_entry;
  const DescribedCode pieces[] = {{begin, {{0, before_entry, stub.rows.front().row}}, exceptions},
                                  {begin + before_entry, std::move(inner), {}}};
  stub.eh_frame = build_eh_frame(pieces);
  const auto address = reinterpret_cast<std::uint64_t>(stub.eh_frame.data());
  stub.stub.fde = {function, begin + before_entry, address + fde_offset(stub.eh_frame)};
  stub.stub.inside = {begin + before_entry, begin + size, stub.eh_frame, fde_offset(stub.eh_frame, 1)};
  tell_debuggers(stub, site);
}

EmittedStub StubFactory::code_of(const TransitionScript &script, std::uint64_t address) const {
  return kind_ == StubKind::Generated ? emit_stub(script, address) : emit_generic_stub(&script, address);
}

std::uint64_t StubFactory::write(const TransitionScript &script, Stub &stub, std::size_t offset, std::size_t size) {
  EmittedStub emitted = code_of(script, stub.memory.address + offset);
  OSR_CHECK(emitted.code.size() <= size, "a stub grew from {} to {} bytes", size, emitted.code.size());
  std::memcpy(stub.memory.writable + offset, emitted.code.data(), emitted.code.size());
  statistics_.stub_bytes += emitted.code.size();
  for (std::size_t i = 0; i < emitted.rows.size(); ++i) {
    const StubRow &row = emitted.rows[i];
    const std::size_t end = i + 1 < emitted.rows.size() ? emitted.rows[i + 1].offset : size;
    stub.rows.push_back({std::uint32_t(offset + row.offset),
                         std::uint32_t(end - row.offset),
                         {CfaBase::StackPointer, /*usable=*/true, row.cfa_from_sp, row.saved}});
  }
  return stub.memory.address + offset + emitted.entry_offset;
}

/// Not around the return PC that the stub stands for: the code of an activation that waits for another stub already may have been
/// freed, and a slot that holds this stub could not be told from one that was never rewritten.
Expected<CodeMemory> StubFactory::allocate_apart(std::size_t size, std::uint64_t return_pc) {
  auto memory = arena_.allocate_code(size);
  if (!memory || !Extent{memory->address, memory->address + memory->size}.contains(return_pc))
    return memory;
  auto other = arena_.allocate_code(size);
  arena_.release(*memory);
  return other;
}

/// The code depends on its address, and the memory on the code's size: emit twice. What exceptions land in stands behind
/// what returns lead to.
Error StubFactory::emit(Stub &stub) {
  constexpr std::size_t room = 16;
  auto size_of = [&](const TransitionScript &script) {
    return alignTo(code_of(script, arena_.range(SlabKind::Code).begin).code.size() + room, room);
  };
  const std::size_t size = size_of(stub.script);
  const std::size_t landing_size = stub.landing_script ? size_of(*stub.landing_script) : 0;
  auto memory = allocate_apart(size + landing_size, stub.stub.original_pc);
  if (!memory)
    return memory.takeError();
  stub.memory = *memory;
  stub.stub.memory = {memory->address, memory->address + memory->size};
  stub.stub.entry_pc = write(stub.script, stub, 0, size);
  if (stub.landing_script)
    stub.handling.landing_pad = write(*stub.landing_script, stub, size, landing_size);
  if (statistics_.freed.any())
    sync_cores();
  ++statistics_.stubs;
  return Error::success();
}

} // namespace osr
