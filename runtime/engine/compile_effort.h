// What has been spent on optimised code of each body, and when that is enough.
#pragma once

#include "compiler/base/engine_lock.h"
#include "compiler/codegen/compiler.h"
#include "osr/options.h"

#include <llvm/Support/Error.h>

#include <chrono>
#include <map>

namespace osr {

/// A body over a limit gets no more optimised code; what it has stays in use.
class CompileEffort {
public:
  /// The compiler must outlive it.
  CompileEffort(Compiler &compiler, const CompileLimits &limits) : compiler_(compiler), limits_(limits) {}

  /// The error says which limit has been reached. Baseline code has none.
  llvm::Error check(const VersionKey &key) const OSR_REQUIRES(engine_lock);
  void spent(const VersionKey &key, std::chrono::duration<double> time) OSR_REQUIRES(engine_lock);
  /// Its optimised code is out of use because guards failed in it. How often that was so.
  std::uint64_t failed(FunctionId body) OSR_REQUIRES(engine_lock) { return ++spent_[body].failures; }
  /// The id will be used for another body.
  void forget(FunctionId body) OSR_REQUIRES(engine_lock) { spent_.erase(body); }

private:
  struct Spent {
    std::chrono::duration<double> time{0};
    std::uint64_t failures = 0;
  };

  Compiler &compiler_;
  CompileLimits limits_;
  std::map<FunctionId, Spent> spent_ OSR_GUARDED_BY(engine_lock);
};

} // namespace osr
