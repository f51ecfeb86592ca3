// Return stubs: made once per site and kind of landing, found again by site.
#pragma once

#include "osr-stubs/emitter.h"
#include "runtime/code/eh_frame_builder.h"
#include "runtime/code/exception_table.h"
#include "runtime/code/slab_arena.h"
#include "runtime/engine/fault.h"
#include "runtime/engine/refusal.h"
#include "runtime/engine/site_map.h"
#include "runtime/engine/stub_rules.h"
#include "runtime/engine/transition.h"
#include "runtime/engine/version_store.h"
#include "runtime/events/landing.h"
#include "runtime/stack/stub_table.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/SmallVector.h>

#include <list>
#include <map>
#include <optional>
#include <tuple>

namespace osr {

struct ReturnStub {
  std::uint64_t entry_pc = 0;
  std::uint64_t original_pc = 0;
  std::int32_t lowest_offset = 0; ///< how far below the CFA the new frames reach
  std::int32_t cfa_from_sp = 0;   ///< of the replaced frame
  Extent memory;                  ///< its code
  PlacedFde fde;                  ///< unwinders pass through a pending stub as through the site it stands for
  StubCode inside;                ///< and out of one that was interrupted to the caller of its frame
  const CodeObject *from = nullptr;             ///< of original_pc; its bytes may have been freed
  bool is_retired = false;                      ///< nobody is sent to it any more
  llvm::SmallVector<const CodeObject *, 2> to;  ///< code that it leads into: one object for each new frame
  TracedTransition *traced = nullptr; ///< null: nobody traces
  bool lands_in_old = false; ///< an exception that arrives here lands in `from`, which has to stay

  /// Code that is out of use may be wrong by now: what waits to leave it must not stay.
  bool may_be_released() const { return from->state() == CodeState::InUse; }
  bool leads_to(const CodeObject &object) const { return llvm::is_contained(to, &object); }
};

/// The parts it is given must outlive it.
class StubFactory {
public:
  StubFactory(VersionStore &versions, SlabArena &arena, StubTable &table, Statistics &statistics, StubKind kind,
              Fault fault = {}, StubRules rules = {})
      : versions_(versions), arena_(arena), table_(table), statistics_(statistics), kind_(kind), faults_(fault),
        rules_(rules) {}
  ~StubFactory();

  /// The stub that replaces an activation of `code` whose return PC is `return_pc`. Compiles the baseline code that it
  /// needs; a continuation is known already (VersionMaker::find_or_make_stub). The error is a refusal (refusal_of); it
  /// is remembered. The code's bytes may have been freed.
  llvm::Expected<const ReturnStub *> find_or_make(const CodeObject &code, std::uint64_t return_pc, Landing landing)
      OSR_REQUIRES(engine_lock);
  /// The continuation that the landing needs; nothing: none, or no stub can stand for the site anyway.
  std::optional<VersionKey> continuation_for(const CodeObject &code, std::uint64_t return_pc, Landing landing) const
      OSR_REQUIRES(engine_lock);

  /// The stub if there is one. Allocation-free.
  const ReturnStub *find(const CodeObject &code, std::uint64_t return_pc, Landing landing) const
      OSR_REQUIRES(engine_lock) {
    auto found = stubs_.find(key_of(code, return_pc, landing));
    return found == stubs_.end() ? nullptr : &found->second.stub;
  }

  /// Why there is no stub; null if it was not asked for yet.
  const Refusal *find_refusal(const CodeObject &code, std::uint64_t return_pc, Landing landing) const
      OSR_REQUIRES(engine_lock) {
    auto found = refusals_.find(key_of(code, return_pc, landing));
    return found == refusals_.end() ? nullptr : &found->second;
  }

  /// True if find_or_make needs to make nothing.
  bool is_known(const CodeObject &code, std::uint64_t return_pc, Landing landing) const OSR_REQUIRES(engine_lock) {
    return find(code, return_pc, landing) || find_refusal(code, return_pc, landing);
  }

  /// How activations of redefined bodies go on. Stubs that exist are not changed.
  SiteMaps &site_maps() OSR_REQUIRES(engine_lock) { return site_maps_; }
  bool is_mapped(const SiteRecord &record) const OSR_REQUIRES(engine_lock) { return site_maps_.covers(record); }
  std::string why_not_mapped(const SiteRecord &record) const OSR_REQUIRES(engine_lock) {
    return site_maps_.why_refused(record);
  }

  /// No stub that is found from now on leads to `code`. Those that exist stay for the frames that wait for them.
  void retire_stubs_to(const CodeObject &code) OSR_REQUIRES(engine_lock);

  /// All stubs.
  void for_each(llvm::function_ref<void(const ReturnStub &)> visit) const OSR_REQUIRES(engine_lock);
  /// Stubs that a frame may wait for although nobody finds them any more, and those of `from`.
  void for_each_retired(llvm::function_ref<void(const ReturnStub &)> visit) const OSR_REQUIRES(engine_lock);
  void for_each_from(const CodeObject &from, llvm::function_ref<void(const ReturnStub &)> visit) const
      OSR_REQUIRES(engine_lock);

  /// Frees retired stubs that `is_pending` does not want kept. The caller knows that no return PC leads into them and
  /// that no thread is in them. Returns how many.
  std::size_t free_retired(llvm::function_ref<bool(const ReturnStub &)> is_pending) OSR_REQUIRES(engine_lock);
  /// Frees the stubs of `from`, and all that is remembered about its sites.
  std::size_t forget(const CodeObject &from) OSR_REQUIRES(engine_lock);

  /// An activation is sent to this stub now, for the cause of this thread. Only a trace wants to know.
  void note_cause(std::uint64_t stub_pc) const noexcept;

  /// Debuggers are told of the sites of all stubs, once the versions have who knows of them.
  void describe_sites() OSR_REQUIRES(engine_lock);

  const CanonicalProgram &program() const { return versions_.program(); }
  const VersionStore &versions() const { return versions_; }

private:
  struct Stub {
    ReturnStub stub;
    CodeMemory memory{};
    DebugSymbol symbol;
    DebuggerRegistration debugger;
    std::vector<std::uint8_t> eh_frame, exception_table;
    std::vector<UnwindRange> rows; ///< by offset in `memory`
    TransitionScript script; ///< kept for the interpreter
    std::optional<TransitionScript> landing_script; ///< the same transition for an exception
    std::uint64_t personality = 0; ///< 0: exceptions pass, and nothing asks
    CallSiteHandling handling;
  };

  /// Object, return PC offset, landing: objects are numbered, addresses are used again.
  using Key = std::tuple<CodeObjectId, std::uint32_t, Landing>;
  static Key key_of(const CodeObject &code, std::uint64_t return_pc, Landing landing) {
    return {code.id, code.offset_of(return_pc), landing};
  }

  std::optional<RefusalKind> site_objection(const CodeObject &code, std::uint64_t return_pc) const;
  llvm::Error make(const CodeObject &object, std::uint64_t return_pc, Landing landing, Stub &stub)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<TransitionPlan> plan(Stub &stub, SiteRecord record, UnwindRow row, Landing landing)
      OSR_REQUIRES(engine_lock);
  llvm::Error prepare_exceptions(Stub &stub, bool one_to_one) OSR_REQUIRES(engine_lock);
  EmittedStub code_of(const TransitionScript &script, std::uint64_t address) const;
  std::uint64_t write(const TransitionScript &script, Stub &stub, std::size_t offset, std::size_t size)
      OSR_REQUIRES(engine_lock);
  llvm::Error emit(Stub &stub) OSR_REQUIRES(engine_lock);
  llvm::Expected<CodeMemory> allocate_apart(std::size_t size, std::uint64_t return_pc) OSR_REQUIRES(engine_lock);
  void publish(Stub &stub, SiteId site) OSR_REQUIRES(engine_lock);
  void tell_debuggers(Stub &stub, SiteId site) OSR_REQUIRES(engine_lock);
  void tell_of_site(Stub &stub) OSR_REQUIRES(engine_lock);
  void release(Stub &stub) OSR_REQUIRES(engine_lock);

  VersionStore &versions_;
  SlabArena &arena_;
  StubTable &table_;
  Statistics &statistics_;
  StubKind kind_;
  FaultSeeder faults_ OSR_GUARDED_BY(engine_lock);
  StubRules rules_;
  SiteMaps site_maps_ OSR_GUARDED_BY(engine_lock);
  std::map<Key, Stub> stubs_ OSR_GUARDED_BY(engine_lock);
  std::list<std::map<Key, Stub>::node_type>
      retired_ OSR_GUARDED_BY(engine_lock); ///< nodes: the stub table refers to the stubs in them
  std::map<Key, Refusal> refusals_ OSR_GUARDED_BY(engine_lock);
};

} // namespace osr
