#include "compiler/canonical/simplify.h"

#include "compiler/base/check.h"
#include "compiler/base/run_passes.h"

#include <llvm/Passes/PassBuilder.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {
namespace {

/// Local variables become values. Only where there were any is there something to fold: code that an optimiser has seen is
/// left as it is.
class PromotePass : public PassInfoMixin<PromotePass> {
public:
  PromotePass() {
    fold_.addPass(EarlyCSEPass());
    fold_.addPass(SimplifyCFGPass());
    fold_.addPass(InstCombinePass(InstCombineOptions().setVerifyFixpoint(false)));
  }

  PreservedAnalyses run(Function &function, FunctionAnalysisManager &analyses) {
    PreservedAnalyses preserved = promote_.run(function, analyses);
    if (preserved.areAllPreserved())
      return preserved;
    analyses.invalidate(function, preserved);
    preserved.intersect(fold_.run(function, analyses));
    return preserved;
  }

private:
  SROAPass promote_{SROAOptions::ModifyCFG};
  FunctionPassManager fold_;
};

} // namespace

void simplify(Module &module, TargetMachine &machine) {
  PassBuilder builder(&machine);
  ModulePassManager passes, attributes;
  passes.addPass(createModuleToFunctionPassAdaptor(PromotePass()));
  Error error = builder.parsePassPipeline(attributes, "cgscc(function-attrs),rpo-function-attrs");
  OSR_CHECK(!error, "pass pipeline: {}", toString(std::move(error)));
  passes.addPass(std::move(attributes));
  run_passes(module, builder, std::move(passes));
  for (Function &function : module)
    if (!function.isDeclaration())
      removeUnreachableBlocks(function); // later steps need not think of values that define themselves
}

void fold_known_branches(Function &function) {
  bool has_changed = false;
  for (BasicBlock &block : function)
    has_changed |= ConstantFoldTerminator(&block, /*DeleteDeadConditions=*/true);
  if (has_changed)
    removeUnreachableBlocks(function);
}

} // namespace osr
