#include "compiler/canonical/simplify.h"

#include "compiler/base/check.h"
#include "compiler/base/run_passes.h"
#include "compiler/canonical/gates.h"

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
  // Gates of variables that are dead keep each other in use around loops; so do ways that nobody goes, behind a return in a loop.
  constexpr const char *infer = "cgscc(function-attrs),rpo-function-attrs";
  const std::string rest = (has_gates(module) ? "function(jump-threading,simplifycfg,adce)," : "") + std::string(infer);
  Error error = builder.parsePassPipeline(attributes, rest);
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
