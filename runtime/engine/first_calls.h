// Functions are compiled when they are first called.
#pragma once

#include "osr-stubs/stub_frame.h"
#include "runtime/engine/dead_end.h"
#include "runtime/engine/engine.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// The way from the entry hook to code. Thread-safe but for what requires the engine's lock.
class FirstCalls {
public:
  /// What a call enters instead of a function that cannot be compiled, by name and reason; 0: it cannot go on.
  using OnFailure = std::function<std::uint64_t(llvm::StringRef function, llvm::StringRef reason)>;

  /// New code is of `tier`. Unless it is empty, `optimize_only` names the functions that are ever optimised. Fails when it
  /// names one that a program that does not grow does not have.
  static llvm::Expected<std::unique_ptr<FirstCalls>> create(Engine &engine, Tier tier,
                                                            std::vector<std::string> optimize_only,
                                                            OnFailure on_failure, CannotGoOn cannot_go_on);

  /// What a call of the function enters, compiled now if need be. `frame`, if there is one, gets it as its target: it has
  /// to be on the stack while it is still the right one, for from then on the code is not freed under us.
  std::uint64_t code_for(EntryId entry, EntryFrame *frame = nullptr);
  /// The same before it is called. The error says why it cannot be compiled.
  llvm::Error prepare(EntryId entry);
  /// All functions, as if each was called.
  void compile_all();

  bool may_be_optimized(FunctionId body) const;

  /// From here on new code of the function is of this tier, whatever a policy says; nothing: as ever.
  void hold(EntryId entry, std::optional<Tier> tier) OSR_REQUIRES(engine_lock);
  /// By entry.
  const std::map<EntryId, Tier> &held() const OSR_REQUIRES(engine_lock) { return held_; }
  bool is_held_at_baseline(EntryId entry) const OSR_REQUIRES(engine_lock) {
    auto found = held_.find(entry);
    return found != held_.end() && found->second == Tier::Baseline;
  }

private:
  FirstCalls(Engine &engine, Tier tier, OnFailure on_failure, CannotGoOn cannot_go_on)
      : engine_(engine), tier_(tier), on_failure_(std::move(on_failure)), cannot_go_on_(std::move(cannot_go_on)) {}
  llvm::Expected<std::uint64_t> code_for_locked(EntryId entry) OSR_REQUIRES(engine_lock);
  std::uint64_t code_instead(EntryId entry, llvm::Error error) const OSR_REQUIRES(engine_lock);
  llvm::Expected<const Version *> compile(EntryId entry) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  Tier tier_;
  OnFailure on_failure_;
  CannotGoOn cannot_go_on_;
  std::vector<std::string> optimize_only_;
  std::map<EntryId, Tier> held_ OSR_GUARDED_BY(engine_lock);
};

} // namespace osr
