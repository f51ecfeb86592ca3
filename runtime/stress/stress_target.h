// What the stress modes with threads of their own do to a runtime.
#pragma once

#include "runtime/redefine/redefine_options.h"

#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>

#include <memory>
#include <vector>

namespace osr {

/// The requests of a host, from any thread. Its functions are those of Runtime by the same names.
class StressTarget {
public:
  virtual ~StressTarget() = default;
  virtual const CanonicalProgram &program() const = 0;
  virtual std::vector<FunctionId> active_functions() = 0;
  virtual llvm::Expected<ReplaceOutcome> replace(FunctionId function, const ReplaceOptions &options) = 0;
  virtual llvm::Expected<ReplaceOutcome> replace(llvm::StringRef function, const ReplaceOptions &options) = 0;
  virtual llvm::Expected<RedefineOutcome> redefine(llvm::StringRef function, llvm::MemoryBufferRef ir,
                                                   const RedefineOptions &options) = 0;
  virtual llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> source_of(llvm::StringRef function) = 0;
};

} // namespace osr
