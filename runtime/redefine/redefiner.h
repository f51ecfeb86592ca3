// Gives functions new bodies while they run.
#pragma once

#include "osr/redefine.h"
#include "runtime/requests/replacer.h"

#include <llvm/Support/MemoryBuffer.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

namespace osr {

/// Thread-safe.
class Redefiner {
public:
  Redefiner(Engine &engine, Replacer &replacer) : engine_(engine), replacer_(replacer) {}

  /// Runtime::redefine.
  llvm::Expected<RedefineOutcome> redefine(llvm::StringRef function, llvm::MemoryBufferRef ir,
                                           const RedefineOptions &options);
  /// Runtime::revert.
  llvm::Expected<RedefineOutcome> revert(llvm::StringRef function, const RedefineOptions &options);
  /// Runtime::source_of.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> source_of(llvm::StringRef function);

  /// Runtime::remove.
  void remove(Engine::Added module);

private:
  struct CallTarget {
    FunctionId function;
    std::uint64_t pc;
  };
  llvm::Expected<RedefineOutcome> redefine_locked(FunctionId old, llvm::MemoryBufferRef ir,
                                                  const RedefineOptions &options);
  llvm::Expected<RedefineOutcome> revert_locked(FunctionId now, const RedefineOptions &options);
  using Body = llvm::function_ref<llvm::Expected<RedefineOutcome>(FunctionId body)>;
  llvm::Expected<RedefineOutcome> change_body(const char *verb, llvm::StringRef name, Tier to, Body change);
  llvm::Expected<SiteMap> site_map_for(FunctionId old, const FunctionInfo &fresh, const llvm::Function &code,
                                       const RedefineOptions &options, RedefineOutcome &outcome) const;
  void remember(FunctionId entry, FunctionId old);
  llvm::Error exchange(FunctionId old, FunctionId fresh, llvm::ArrayRef<const Version *> invalid,
                       const SiteMap &site_map, Tier to, RedefineOutcome &outcome);
  llvm::Error link_variables(Compiler::NewBody &body);
  std::vector<const Version *> versions_that_rest_on(FunctionId body) const;
  std::vector<CallTarget> redirect_calls(FunctionId entry, llvm::ArrayRef<const Version *> invalid);
  void undo(FunctionId entry, FunctionId old, FunctionId fresh, llvm::ArrayRef<CallTarget> before);
  llvm::Expected<ReplaceOutcome> deoptimize(llvm::ArrayRef<const Version *> invalid);
  void move_to_new_body(FunctionId old, Tier to, RedefineOutcome &outcome);

  Engine &engine_;
  Replacer &replacer_;
  /// By entry: bodies that it can go back to, the last one last. Guarded by the engine's lock.
  std::map<FunctionId, std::vector<FunctionId>> kept_;
};

} // namespace osr
