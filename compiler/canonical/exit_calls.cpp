#include "compiler/canonical/exit_calls.h"

#include <llvm/IR/Function.h>

using namespace llvm;

namespace osr {

const char *to_string(ExitReason reason) {
  switch (reason) {
  case ExitReason::Guard: return "guard";
  case ExitReason::Deoptimize: return "deoptimize";
  case ExitReason::Branch: return "branch";
  case ExitReason::Target: return "target";
  }
  return "unknown";
}

FunctionCallee declare_guard_failed(Module &module) {
  LLVMContext &context = module.getContext();
  FunctionCallee callee =
      module.getOrInsertFunction(guard_failed_callee, Type::getVoidTy(context), Type::getInt32Ty(context));
  if (auto *function = dyn_cast<Function>(callee.getCallee())) {
    function->setMemoryEffects(MemoryEffects::inaccessibleMemOnly());
    for (Attribute::AttrKind kind : {Attribute::Cold, Attribute::NoUnwind, Attribute::WillReturn, Attribute::NoFree,
                                     Attribute::NoCallback, Attribute::MustProgress})
      function->addFnAttr(kind);
  }
  return callee;
}

bool is_guard_failed(const CallBase &call) {
  const Function *callee = call.getCalledFunction();
  return callee && callee->getName() == guard_failed_callee;
}

} // namespace osr
