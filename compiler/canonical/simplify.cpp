#include "compiler/canonical/simplify.h"

#include "compiler/base/check.h"
#include "compiler/base/run_passes.h"

#include <llvm/Passes/PassBuilder.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {

void simplify(Module &module, TargetMachine &machine) {
  PassBuilder builder(&machine);
  ModulePassManager passes;
  constexpr const char *pipeline = "function(sroa,early-cse,simplifycfg,instcombine<no-verify-fixpoint>),"
                                   "cgscc(function-attrs),rpo-function-attrs";
  Error error = builder.parsePassPipeline(passes, pipeline);
  OSR_CHECK(!error, "pass pipeline: {}", toString(std::move(error)));
  run_passes(module, builder, std::move(passes));
  for (Function &function : module)
    if (!function.isDeclaration())
      removeUnreachableBlocks(function); // later steps need not think of values that define themselves
}

} // namespace osr
