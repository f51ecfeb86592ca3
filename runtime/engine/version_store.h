// All compiled versions of a program's functions: compiled, linked, registered, kept.
#pragma once

#include "compiler/base/engine_lock.h"
#include "compiler/codegen/compiler.h"
#include "osr/options.h"
#include "osr/statistics.h"
#include "runtime/code/code_registry.h"
#include "runtime/code/code_session.h"
#include "runtime/code/debugger.h"
#include "runtime/engine/site_describer.h"
#include "runtime/events/event_teller.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace osr {

/// One return PC of one code object, for ever: addresses are used again, object ids are not.
using SiteKey = std::uint64_t;
inline CodeObjectId object_of(SiteKey key) { return CodeObjectId(key >> 32); }
inline SiteKey site_key(const CodeObject &code, std::uint64_t return_pc) {
  return std::uint64_t(code.id) << 32 | code.offset_of(return_pc);
}

/// A compiled version. Immutable until its code is freed; then its site records and unwind rows are left, for frames
/// of it that wait to be replaced.
struct Version {
  CodeObject object;
  DebuggerRegistration debugger;
  std::unique_ptr<ResidenceCounter> residents;  ///< null unless activations are counted
  std::vector<std::uint32_t> return_pc_offsets; ///< baseline: by site index, 0 where there is no record

  /// Baseline: the return PC of a site, 0 if it has no record.
  std::uint64_t return_pc(std::uint32_t site) const;
};

/// The parts it is given must outlive it.
class VersionStore {
public:
  VersionStore(Compiler &compiler, CodeSession &session, CodeRegistry &registry, Statistics &statistics,
               const EventTeller &events, Freeing freeing = Freeing::StackEvidence)
      : compiler_(compiler), session_(session), registry_(registry), statistics_(statistics), events_(events),
        freeing_(freeing) {}
  ~VersionStore();

  /// Activations are counted: no frame can be replaced.
  bool counts_activations() const { return freeing_ == Freeing::ResidenceCounting; }

  /// Baseline code that is made from here on counts in what this returns for its body, unless that is null.
  void count_heat_in(std::function<HeatCounter *(FunctionId)> counter_of) OSR_REQUIRES(engine_lock) {
    heat_of_ = std::move(counter_of);
  }

  /// Debuggers are told of sites what it says, also of those that are there. It outlives the store. Returns how many versions that are.
  std::size_t describe_sites_by(SiteDescriber &describer) OSR_REQUIRES(engine_lock);
  SiteDescriber *site_describer() const OSR_REQUIRES(engine_lock) { return describer_; } ///< null: nobody has asked

  /// Null: there is none, or none in use.
  const Version *find(const VersionKey &key) const OSR_REQUIRES(engine_lock) {
    auto found = versions_.find(key);
    return found == versions_.end() ? nullptr : found->second.get();
  }
  /// Compiled now if it is wanted for the first time. A failure is remembered and returned again. Versions of the other tier
  /// come from VersionMaker.
  llvm::Expected<const Version *> find_or_compile_baseline(FunctionId function) OSR_REQUIRES(engine_lock);

  /// A version that exists for the caller alone: neither walks nor find() know it.
  llvm::Expected<std::unique_ptr<Version>> compile(const VersionKey &key) OSR_REQUIRES(engine_lock);
  /// The second half of that.
  llvm::Expected<std::unique_ptr<Version>> link(CompiledVersion compiled, std::unique_ptr<Version> version)
      OSR_REQUIRES(engine_lock);
  /// Frees it.
  void discard(std::unique_ptr<Version> version) OSR_REQUIRES(engine_lock);
  /// From here on control may come into its code.
  void show(Version &version) OSR_REQUIRES(engine_lock);
  /// From now on it is found. There must be no other one in use.
  const Version *adopt(std::unique_ptr<Version> version) OSR_REQUIRES(engine_lock);
  /// Whoever listens hears of what was begun then. Returns the same.
  llvm::Expected<std::unique_ptr<Version>> told(Trace::Clock::time_point begun, const VersionKey &key,
                                                llvm::Expected<std::unique_ptr<Version>> made)
      OSR_REQUIRES(engine_lock);
  /// The same, or the reason why there is none.
  llvm::Expected<const Version *> remember(const VersionKey &key, llvm::Expected<std::unique_ptr<Version>> made)
      OSR_REQUIRES(engine_lock);

  /// There is such a version in use, or it is known that there can be none.
  bool is_known(const VersionKey &key) const OSR_REQUIRES(engine_lock) {
    return versions_.contains(key) || failures_.contains(key);
  }
  /// Why there can be none; null: nobody has found out that it cannot be compiled.
  const std::string *find_failure(const VersionKey &key) const OSR_REQUIRES(engine_lock) {
    auto found = failures_.find(key);
    return found == failures_.end() ? nullptr : &found->second;
  }

  /// Registers what the program has besides versions of functions: variables, and module-level assembly, which has no sites.
  llvm::Expected<const Version *> add_foreign(LinkedObject linked) OSR_REQUIRES(engine_lock);
  /// Frees it. The caller knows that nothing leads into it, and nobody uses its variables.
  void remove_foreign(const Version &foreign) OSR_REQUIRES(engine_lock);

  /// All versions of a function at one tier that are in use, continuations included.
  std::vector<const Version *> versions_of(FunctionId function, Tier tier) const OSR_REQUIRES(engine_lock);

  void for_each_in_use(llvm::function_ref<void(const Version &)> visit) const OSR_REQUIRES(engine_lock);

  /// Those of these objects that still have code.
  std::vector<const Version *> find(llvm::ArrayRef<CodeObjectId> ids) const OSR_REQUIRES(engine_lock);

  /// Sites at which a frame of another function holds an inlined frame of this one.
  llvm::ArrayRef<SiteKey> inlined_at(FunctionId function) const OSR_REQUIRES(engine_lock);

  /// Whether there is code of this body, or a site record of any code that mentions it.
  bool mentions(FunctionId body) const OSR_REQUIRES(engine_lock);
  /// What could not be compiled is tried again.
  void forget_failures() OSR_REQUIRES(engine_lock) { failures_.clear(); }
  /// The id will be used for another body.
  void forget_body(FunctionId body) OSR_REQUIRES(engine_lock);

  /// Takes a version out of use: find_or_compile makes another one. Its code stays until free_code().
  void retire(const Version &version) OSR_REQUIRES(engine_lock);
  /// Versions out of use.
  const std::list<std::unique_ptr<Version>> &retired() const OSR_REQUIRES(engine_lock) { return retired_; }
  /// Gives the memory of a retired version's code back: unwind information first, then debuggers forget it, then the
  /// memory. The caller knows that no control can come into it.
  void free_code(Version &version) OSR_REQUIRES(engine_lock);
  /// Frees the rest of it. The caller knows that no frame of it is left and that no stub stands for one.
  void forget(Version &version) OSR_REQUIRES(engine_lock);

  /// The record belongs to the poll of a loop.
  bool is_at_poll(const SiteRecord &record) const OSR_REQUIRES(engine_lock);

  const CanonicalProgram &program() const { return compiler_.program(); }

private:
  void forget_inlined(const CodeObject &object) OSR_REQUIRES(engine_lock);
  void unload(Version &foreign) OSR_REQUIRES(engine_lock);
  llvm::Error fill(Version &version, const CompiledVersion &compiled) OSR_REQUIRES(engine_lock);
  llvm::Error describe_code(Version &version);
  void tell_debuggers(Version &version) OSR_REQUIRES(engine_lock);
  llvm::Error describe_records(CodeObject &object, llvm::ArrayRef<SiteRecord> records) const OSR_REQUIRES(engine_lock);
  void index_records(Version &version, llvm::ArrayRef<SiteRecord> records) OSR_REQUIRES(engine_lock);
  void count(const CompiledVersion &compiled, const Version &version) OSR_REQUIRES(engine_lock);

  Compiler &compiler_;
  CodeSession &session_;
  CodeRegistry &registry_;
  Statistics &statistics_;
  const EventTeller &events_;
  Freeing freeing_;
  std::function<HeatCounter *(FunctionId)> heat_of_ OSR_GUARDED_BY(engine_lock);
  std::map<VersionKey, std::unique_ptr<Version>> versions_ OSR_GUARDED_BY(engine_lock);
  std::map<VersionKey, std::string> failures_ OSR_GUARDED_BY(engine_lock);
  std::list<std::unique_ptr<Version>> retired_ OSR_GUARDED_BY(engine_lock);
  std::map<FunctionId, std::vector<SiteKey>> inlined_at_ OSR_GUARDED_BY(engine_lock);
  std::list<std::unique_ptr<Version>> foreign_ OSR_GUARDED_BY(engine_lock);
  SiteDescriber *describer_ OSR_GUARDED_BY(engine_lock) = nullptr;
  CodeObjectId next_id_ OSR_GUARDED_BY(engine_lock) = 1;
};

} // namespace osr
