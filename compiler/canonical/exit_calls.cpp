#include "compiler/canonical/exit_calls.h"

#include <llvm/IR/Function.h>

using namespace llvm;

namespace osr {

const char *to_string(ExitReason reason) {
  switch (reason) {
  case ExitReason::Guard: return "guard";
  case ExitReason::Deoptimize: return "deoptimize";
  }
  return "unknown";
}

bool is_guard_failed(const CallBase &call) {
  const Function *callee = call.getCalledFunction();
  return callee && callee->getName() == guard_failed_callee;
}

} // namespace osr
