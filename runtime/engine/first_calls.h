// Functions are compiled when they are first called.
#pragma once

#include "osr-stubs/stub_frame.h"
#include "runtime/engine/engine.h"

#include <string>
#include <vector>

namespace osr {

/// The way from the entry hook to code. Thread-safe.
class FirstCalls {
public:
  /// New code is of `tier`. Unless it is empty, `optimize_only` names the functions that are ever optimised. Fails when it
  /// names one that the program does not have.
  static llvm::Expected<std::unique_ptr<FirstCalls>> create(Engine &engine, Tier tier,
                                                            const std::vector<std::string> &optimize_only);

  /// What a call of the function enters, compiled now if need be. `frame`, if there is one, gets it as its target: it has
  /// to be on the stack while it is still the right one, for from then on the code is not freed under us.
  std::uint64_t code_for(FunctionId entry, EntryFrame *frame = nullptr);
  /// All functions, as if each was called.
  void compile_all();

  bool may_be_optimized(FunctionId entry) const;

private:
  FirstCalls(Engine &engine, Tier tier) : engine_(engine), tier_(tier) {}
  std::uint64_t code_for_locked(FunctionId entry);
  llvm::Expected<const Version *> compile(FunctionId entry);

  Engine &engine_;
  Tier tier_;
  std::vector<FunctionId> optimize_only_; ///< by entry
};

} // namespace osr
