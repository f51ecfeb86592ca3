#include "compiler/canonical/early_codegen.h"

#include "compiler/base/run_passes.h"

#include <llvm/CodeGen/ShadowStackGCLowering.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Passes/PassBuilder.h>

using namespace llvm;

namespace osr {
namespace {

bool has_shadow_stack(const Function &function) { return function.hasGC() && function.getGC() == "shadow-stack"; }

/// One function at a time, each module would get a chain of its own.
void lower_shadow_stacks(Module &module, TargetMachine &machine) {
  if (none_of(module, has_shadow_stack))
    return;
  PassBuilder builder(&machine);
  ModulePassManager passes;
  passes.addPass(ShadowStackGCLoweringPass());
  run_passes(module, builder, std::move(passes));
  for (Function &function : module)
    if (has_shadow_stack(function))
      function.clearGC();
}

/// The guard's value goes into an object of the function, from which the function reads it again.
void lower_stack_protector(Module &module) {
  for (Function &function : module) {
    SmallVector<IntrinsicInst *, 1> protectors;
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<IntrinsicInst>(&instruction);
          call && call->getIntrinsicID() == Intrinsic::stackprotector)
        protectors.push_back(call);
    for (IntrinsicInst *protector : protectors) {
      IRBuilder<>(protector).CreateStore(protector->getArgOperand(0), protector->getArgOperand(1), /*isVolatile=*/true);
      protector->eraseFromParent();
    }
  }
}

} // namespace

void lower_stack_users(Module &module, TargetMachine &machine) {
  lower_shadow_stacks(module, machine);
  lower_stack_protector(module);
}

} // namespace osr
