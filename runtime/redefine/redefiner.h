// Gives functions new bodies while they run.
#pragma once

#include "osr/redefine.h"
#include "runtime/redefine/patches.h"
#include "runtime/redefine/standing_activations.h"
#include "runtime/requests/replacer.h"

#include <llvm/Support/MemoryBuffer.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace osr {

/// What is known of the variables of bodies that the program began with.
class VariableTables {
public:
  /// Takes its time, once; without the engine's lock. The error says why nothing is known.
  virtual llvm::Error prepare() = 0;
  /// Null: of this body nothing is.
  virtual const FunctionSource *find(FunctionId body) const OSR_REQUIRES(engine_lock) = 0;
  virtual llvm::ArrayRef<SourceType> types() const = 0;
  /// The function that the program began with and its debug information, as Redefiner::redefine() takes it; what the answer names stays. Takes as
  /// long as prepare(), the first time for each; without the engine's lock.
  virtual llvm::Expected<llvm::MemoryBufferRef> ir_of(const std::string &function) = 0;

protected:
  ~VariableTables() = default;
};

/// What is known of a body's variables.
struct KnownBody {
  const FunctionSource *source = nullptr;
  llvm::ArrayRef<SourceType> types; ///< that it speaks of
};

/// Thread-safe.
class Redefiner {
public:
  /// Without tables no site map is found automatically.
  Redefiner(Engine &engine, Replacer &replacer, VariableTables *tables = nullptr)
      : engine_(engine), replacer_(replacer), tables_(tables) {}

  /// Runtime::redefine.
  llvm::Expected<RedefineOutcome> redefine(llvm::StringRef function, llvm::MemoryBufferRef ir,
                                           const RedefineOptions &options);
  /// Runtime::revert.
  llvm::Expected<RedefineOutcome> revert(llvm::StringRef function, const RedefineOptions &options);
  /// Several functions at once. If one is refused, nothing has changed; else no new body runs before all calls mean the
  /// new ones, and all activations that go on in them (RedefineOptions::same_sites_if_same_shape) are sent there together.
  llvm::Expected<PatchOutcome> patch(llvm::ArrayRef<PatchedBody> bodies, const PatchOptions &options);
  /// Undoes the newest patch that was not undone yet, likewise, or what one function was given last (PatchOptions::alone).
  llvm::Expected<PatchOutcome> revert_patch(const PatchOptions &options);
  /// Patches that can be taken back or wait, and which threads have activations of old bodies.
  llvm::Expected<PatchReport> report_patches() OSR_REQUIRES(engine_lock);
  /// Whatever waits is done now, and activations that cannot go on end in their old bodies. Returns the patches' numbers.
  std::vector<unsigned> force_waiting();
  /// Of those that came later it is found out when somebody asks, which takes milliseconds, if they are current or can be gone back to: the
  /// answer holds until the next change. Of those that the program began with the tables say it, which are prepared.
  llvm::Expected<KnownBody> source_of_body(FunctionId body) OSR_REQUIRES(engine_lock);
  /// Runtime::source_of.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> source_of(llvm::StringRef function);

  /// Runtime::remove.
  void remove(Engine::Added module);

private:
  struct CallTarget {
    EntryId entry;
    std::uint64_t pc;
  };
  /// One function gets another body.
  struct Exchange {
    EntryId entry{};
    FunctionId old = 0, fresh = 0;
    FunctionId before =
        no_function; ///< of a way back: the body that was kept; `fresh` is it, or another one of the same IR
    SiteMap site_map; ///< how activations of the old one go on; empty: they end where they are
    std::map<std::uint32_t, std::string> refused; ///< by site: why they do
    std::vector<const Version *> invalid; ///< they rest on the old one
    std::vector<CallTarget> calls_went; ///< before
  };
  /// The body that a patch gave a function; no_function: it was not kept.
  struct Step {
    EntryId entry;
    FunctionId fresh;
  };
  struct Patch {
    unsigned number;
    std::vector<Step> steps;
  };
  /// A patch, or its way back: all functions get other bodies.
  struct PatchChange {
    bool goes_back = false;
    bool is_alone = false; ///< of one function that goes back, whatever it has its body by
    std::vector<Exchange> exchanges;
    PatchOutcome outcome;
  };
  struct WaitingChange;
  /// How a body that came later was made, and what is known of it.
  struct MadeBody {
    std::shared_ptr<const llvm::MemoryBuffer> ir;
    Compiler::BodyMaking making;
    bool has_state = false; ///< Compiler::NewBody::has_state
    std::optional<Compiler::DescribedBody> described; ///< when somebody asked
    std::string problem; ///< why it could not be
  };
  /// A body, and how activations of the one before go on in it.
  struct Choice {
    Compiler::NewBody body;
    Compiler::BodyMaking making;
    SiteMap site_map;
    std::map<std::uint32_t, std::string> refused;
  };
  llvm::Error check_ready(llvm::StringRef name) const;
  /// What a way back without a function is called, in place of names.
  static constexpr llvm::StringRef newest_patch = "the newest patch";
  llvm::Error not_done(llvm::Error error, llvm::StringRef name) OSR_REQUIRES(engine_lock);
  void conclude(std::size_t redefined) OSR_REQUIRES(engine_lock);
  llvm::Expected<Compiler::NewBody> prepare(FunctionId old, llvm::MemoryBufferRef ir,
                                            const Compiler::BodyMaking &making = {}) OSR_REQUIRES(engine_lock);
  llvm::Expected<RedefineOutcome> redefine_locked(FunctionId old, llvm::MemoryBufferRef ir,
                                                  const RedefineOptions &options) OSR_REQUIRES(engine_lock);
  using Body = llvm::function_ref<llvm::Expected<RedefineOutcome>(FunctionId body)>;
  llvm::Expected<RedefineOutcome> change_body(const char *verb, llvm::StringRef name, const RedefineOptions &options,
                                              Body change);
  llvm::Expected<SiteMap> site_map_for(FunctionId old, const FunctionInfo &fresh, const llvm::Function &code,
                                       const RedefineOptions &options, RedefineOutcome &outcome) const
      OSR_REQUIRES(engine_lock);
  // choose_body.cpp
  llvm::Expected<Choice> choose_body(FunctionId old, llvm::MemoryBufferRef ir, const RedefineOptions &options,
                                     RedefineOutcome &outcome) OSR_REQUIRES(engine_lock);
  llvm::Error choose_enterable(FunctionId old, llvm::MemoryBufferRef ir, Choice &choice) OSR_REQUIRES(engine_lock);
  void note_choice(FunctionId old, Choice &choice, RedefineOutcome &outcome) const OSR_REQUIRES(engine_lock);
  void forget_made() OSR_REQUIRES(engine_lock);
  std::string prepare_tables(bool is_wanted);
  llvm::Expected<Exchange> adopt_choice(FunctionId old, Choice choice, llvm::MemoryBufferRef ir,
                                        const RedefineOptions &options) OSR_REQUIRES(engine_lock);
  llvm::Expected<Exchange> adopt(FunctionId old, llvm::MemoryBufferRef ir, const RedefineOptions &options,
                                 RedefineOutcome &outcome) OSR_REQUIRES(engine_lock);
  void begin(Exchange &exchange) OSR_REQUIRES(engine_lock);
  llvm::Error finish(llvm::MutableArrayRef<Exchange> exchanges, Tier to, RedefineOutcome &outcome)
      OSR_REQUIRES(engine_lock);
  llvm::Error leave_invalid(llvm::ArrayRef<Exchange> exchanges, RedefineOutcome &outcome) OSR_REQUIRES(engine_lock);
  void settle(llvm::ArrayRef<Exchange> exchanges, Tier to, RedefineOutcome &outcome) OSR_REQUIRES(engine_lock);
  void undo(llvm::ArrayRef<Exchange> exchanges) OSR_REQUIRES(engine_lock);
  // revert.cpp
  llvm::Expected<RedefineOutcome> revert_locked(FunctionId now, const RedefineOptions &options)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<Exchange> go_back(FunctionId now, const RedefineOptions &options, RedefineOutcome &outcome)
      OSR_REQUIRES(engine_lock);
  // revert_by_map.cpp
  llvm::Error go_back_by_map(Exchange &exchange, const RedefineOptions &options, RedefineOutcome &outcome)
      OSR_REQUIRES(engine_lock);
  void read_originals(const std::string &alone);
  std::map<FunctionId, std::string> wanted_originals(const std::string &alone);
  std::optional<llvm::MemoryBufferRef> kept_ir(FunctionId body) const OSR_REQUIRES(engine_lock);
  bool is_worth_a_map(const Exchange &exchange) OSR_REQUIRES(engine_lock);
  void is_back(const Exchange &exchange) OSR_REQUIRES(engine_lock);
  void remember(EntryId entry, FunctionId old) OSR_REQUIRES(engine_lock);
  void forget_kept(EntryId entry) OSR_REQUIRES(engine_lock);
  void forget_all(EntryId entry) OSR_REQUIRES(engine_lock);
  // patch.cpp
  llvm::Expected<PatchOutcome> change_bodies(const char *verb, llvm::StringRef name, llvm::ArrayRef<PatchedBody> bodies,
                                             const PatchOptions &options);
  llvm::Error check_change(llvm::ArrayRef<PatchedBody> bodies, const PatchOptions &options) OSR_REQUIRES(engine_lock);
  llvm::Error check_patch(llvm::ArrayRef<PatchedBody> bodies, const PatchOptions &options, PatchOutcome &outcome)
      OSR_REQUIRES(engine_lock);
  llvm::Error check_way_back(const PatchOptions &options) const OSR_REQUIRES(engine_lock);
  std::vector<FunctionId> bodies_that_go_back(const PatchOptions &options) const OSR_REQUIRES(engine_lock);
  llvm::Expected<FunctionId> body_before(EntryId entry) const OSR_REQUIRES(engine_lock);
  llvm::Expected<PatchChange> begin_change(llvm::ArrayRef<PatchedBody> bodies, const PatchOptions &options)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<PatchChange> begin_patch(llvm::ArrayRef<PatchedBody> bodies, const PatchOptions &options)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<PatchChange> begin_way_back(const PatchOptions &options) OSR_REQUIRES(engine_lock);
  llvm::Expected<PatchOutcome> change_now(llvm::ArrayRef<PatchedBody> bodies, const PatchOptions &options)
      OSR_REQUIRES(engine_lock);
  void conclude_change(PatchChange &change) OSR_REQUIRES(engine_lock);
  // wait_to_patch.cpp
  llvm::Expected<PatchOutcome> change_when_free(const char *verb, llvm::StringRef name,
                                                llvm::ArrayRef<PatchedBody> bodies, const PatchOptions &options);
  llvm::Expected<std::shared_ptr<WaitingChange>> begin_waiting(llvm::ArrayRef<PatchedBody> bodies,
                                                               const PatchOptions &options) OSR_REQUIRES(engine_lock);
  /// What becomes of a change that waits: it is done, it waits on, or somebody is to be asked first (PatchOptions::before).
  enum class WaitingStep : std::uint8_t { Done, Wait, Ask };
  llvm::Expected<WaitingStep> take_step(std::shared_ptr<WaitingChange> &waiting, llvm::ArrayRef<PatchedBody> bodies,
                                        const PatchOptions &options);
  llvm::Expected<WaitingStep> try_waiting(WaitingChange &waiting, const PatchOptions &options)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<std::string> change_if_free(WaitingChange &waiting, Tier to) OSR_REQUIRES(engine_lock);
  llvm::Expected<std::string> why_not_now(const WaitingChange &waiting) OSR_REQUIRES(engine_lock);
  llvm::Expected<std::string> leave_if_free(WaitingChange &waiting) OSR_REQUIRES(engine_lock);
  llvm::Expected<std::string> why_not_free(const PatchChange &change) OSR_REQUIRES(engine_lock);
  llvm::Error check_as_it_was(const WaitingChange &waiting) const OSR_REQUIRES(engine_lock);
  bool would_stay(const StandingActivation &activation, const Exchange &exchange) OSR_REQUIRES(engine_lock);
  const Exchange *exchange_of(const PatchChange &change, FunctionId body) const OSR_REQUIRES(engine_lock);
  std::string place_of(const StandingActivation &activation) const OSR_REQUIRES(engine_lock);
  void begin_again(Exchange &exchange) OSR_REQUIRES(engine_lock);
  void end_waiting(WaitingChange &waiting) OSR_REQUIRES(engine_lock);
  std::uint64_t age_of(FunctionId body) const OSR_REQUIRES(engine_lock);
  // report_patches.cpp
  std::optional<OldActivation> old_activation(const StandingActivation &activation) OSR_REQUIRES(engine_lock);
  llvm::Error check_not_patched(FunctionId body) const OSR_REQUIRES(engine_lock);
  bool is_kept(const Step &step) const OSR_REQUIRES(engine_lock);
  void forget_unreachable_patches() OSR_REQUIRES(engine_lock);
  llvm::Error link_variables(Compiler::NewBody &body) OSR_REQUIRES(engine_lock);
  std::vector<const Version *> versions_that_rest_on(FunctionId body) const OSR_REQUIRES(engine_lock);
  std::vector<CallTarget> redirect_calls(EntryId entry, llvm::ArrayRef<const Version *> invalid)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<ReplaceOutcome> deoptimize(llvm::ArrayRef<const Version *> invalid) OSR_REQUIRES(engine_lock);
  void move_to_new_bodies(const std::set<FunctionId> &old, Tier to, RedefineOutcome &outcome) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  Replacer &replacer_;
  /// By entry: bodies that it can go back to, the last one last.
  std::map<EntryId, std::vector<FunctionId>> kept_ OSR_GUARDED_BY(engine_lock);
  std::vector<Patch> patches_ OSR_GUARDED_BY(engine_lock); ///< that can be undone, the newest last
  unsigned last_patch_ OSR_GUARDED_BY(engine_lock) = 0; ///< its number
  std::vector<std::shared_ptr<WaitingChange>> waiting_ OSR_GUARDED_BY(engine_lock);
  /// By body: it is the so many-th that came later. Numbers of bodies are used again, these are not.
  std::map<FunctionId, std::uint64_t> ages_ OSR_GUARDED_BY(engine_lock);
  std::uint64_t last_age_ OSR_GUARDED_BY(engine_lock) = 0;
  std::map<FunctionId, MadeBody> made_ OSR_GUARDED_BY(engine_lock); ///< of bodies that are current or kept
  /// Of VariableTables::ir_of(), for the way back that is being made.
  std::map<FunctionId, llvm::MemoryBufferRef> originals_ OSR_GUARDED_BY(engine_lock);
  VariableTables *tables_;
  std::string tables_problem_ OSR_GUARDED_BY(engine_lock); ///< why they are not there
};

} // namespace osr
