#include "compiler/canonical/simplify.h"

#include "compiler/base/check.h"

#include <llvm/Passes/PassBuilder.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {

void simplify(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  ModulePassManager passes;
  constexpr const char *pipeline = "function(sroa,early-cse,simplifycfg,instcombine<no-verify-fixpoint>),"
                                   "cgscc(function-attrs),rpo-function-attrs";
  Error error = builder.parsePassPipeline(passes, pipeline);
  OSR_CHECK(!error, "pass pipeline: {}", toString(std::move(error)));
  passes.run(module, modules);
  for (Function &function : module)
    if (!function.isDeclaration())
      removeUnreachableBlocks(function); // later steps need not think of values that define themselves
}

} // namespace osr
