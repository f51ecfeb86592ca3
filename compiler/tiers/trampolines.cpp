#include "compiler/tiers/trampolines.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Intrinsics.h>

using namespace llvm;

namespace osr {

void ask_for_trampoline_memory(Module &module) {
  const Function *writes = Intrinsic::getDeclarationIfExists(&module, Intrinsic::init_trampoline);
  if (!writes)
    return;
  Type *pointer = PointerType::getUnqual(module.getContext());
  FunctionCallee ask = module.getOrInsertFunction(
      trampoline_memory_callee, FunctionType::get(Type::getVoidTy(module.getContext()), {pointer}, false));
  cast<Function>(ask.getCallee())->setDoesNotThrow();
  for (const User *user : writes->users())
    if (auto *call = dyn_cast<CallInst>(const_cast<User *>(user)))
      IRBuilder<>(call).CreateCall(ask, call->getArgOperand(0));
}

} // namespace osr
