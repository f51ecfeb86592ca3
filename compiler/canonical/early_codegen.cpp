#include "compiler/canonical/early_codegen.h"

#include "compiler/base/run_passes.h"

#include <llvm/CodeGen/AtomicExpand.h>
#include <llvm/CodeGen/ShadowStackGCLowering.h>
#include <llvm/CodeGen/TargetLowering.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
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

/// What an atomic operation reads or writes, and how it is aligned; size 0: it is none. Sizes in bytes.
struct AtomicAccess {
  std::uint64_t size = 0, alignment = 0;
};

AtomicAccess access_of(const Instruction &instruction, const DataLayout &layout) {
  const auto access = [&](const Type *type, Align alignment) {
    return AtomicAccess{layout.getTypeStoreSize(const_cast<Type *>(type)).getFixedValue(), alignment.value()};
  };
  if (const auto *load = dyn_cast<LoadInst>(&instruction); load && load->isAtomic())
    return access(load->getType(), load->getAlign());
  if (const auto *store = dyn_cast<StoreInst>(&instruction); store && store->isAtomic())
    return access(store->getValueOperand()->getType(), store->getAlign());
  if (const auto *change = dyn_cast<AtomicRMWInst>(&instruction))
    return access(change->getValOperand()->getType(), change->getAlign());
  if (const auto *exchange = dyn_cast<AtomicCmpXchgInst>(&instruction))
    return access(exchange->getNewValOperand()->getType(), exchange->getAlign());
  return {};
}

bool needs_library(const Function &function, const TargetMachine &machine) {
  const DataLayout &layout = function.getDataLayout();
  std::uint64_t widest = 0; // in bytes; the question costs more than most functions
  return any_of(instructions(function), [&](const Instruction &instruction) {
    const AtomicAccess access = access_of(instruction, layout);
    if (access.size <= sizeof(void *) && access.size <= access.alignment)
      return false;
    if (widest == 0)
      widest = machine.getSubtargetImpl(function)->getTargetLowering()->getMaxAtomicSizeInBitsSupported() / 8;
    return access.size > widest || access.size > access.alignment;
  });
}

/// The code generator's own pass, in the functions that need it.
struct ExpandAtomics : PassInfoMixin<ExpandAtomics> {
  ExpandAtomics(ArrayRef<Function *> functions, TargetMachine &machine) : functions(functions), machine(machine) {}

  PreservedAnalyses run(Module &module, ModuleAnalysisManager &analyses) {
    auto &manager = analyses.getResult<FunctionAnalysisManagerModuleProxy>(module).getManager();
    for (Function *function : functions)
      AtomicExpandPass(machine).run(*function, manager);
    return PreservedAnalyses::none();
  }

  ArrayRef<Function *> functions;
  TargetMachine &machine;
};

} // namespace

void call_library_for_atomics(Module &module, TargetMachine &machine) {
  SmallVector<Function *, 4> functions;
  for (Function &function : module)
    if (needs_library(function, machine))
      functions.push_back(&function);
  if (functions.empty())
    return;
  PassBuilder builder(&machine);
  ModulePassManager passes;
  passes.addPass(ExpandAtomics(functions, machine));
  run_passes(module, builder, std::move(passes));
}

void lower_stack_users(Module &module, TargetMachine &machine) {
  lower_shadow_stacks(module, machine);
  lower_stack_protector(module);
}

} // namespace osr
