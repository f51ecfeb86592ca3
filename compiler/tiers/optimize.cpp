#include "compiler/tiers/optimize.h"

#include "compiler/base/diagnostics.h"
#include "compiler/base/error.h"
#include "compiler/base/run_passes.h"
#include "compiler/sites/frame_chain.h"
#include "compiler/sites/site_effects.h"
#include "compiler/tiers/assumptions.h"
#include "compiler/tiers/thin_polls.h"

#include <llvm/Analysis/LazyCallGraph.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Passes/StandardInstrumentations.h>
#include <llvm/Transforms/IPO/SCCP.h>

using namespace llvm;

namespace osr {
namespace {

/// Checks what a pass worked on. Most passes work on one function of a large module and change nothing: then there is
/// nothing new to see. After passes over modules, managers of others among them, all of it is checked in any case. Loops and call
/// graph components are covered by the pass around them.
Error verify_unit(const Any &unit, bool is_changed, const CanonicalProgram &program) {
  if (const auto *module = any_cast<const Module *>(&unit))
    return verify_sites(**module, program);
  if (const auto *function = any_cast<const Function *>(&unit); function && is_changed)
    return verify_sites(**function, program);
  return Error::success();
}

/// What is inferred about a function is said to its callers, and has to be true of all that its activations do. Where
/// optimised code leaves, they go on in baseline code, of which LLVM sees nothing here: what canonical code says stays.
bool may_infer(StringRef pass, const Any &unit) {
  const auto *functions = any_cast<const LazyCallGraph::SCC *>(&unit);
  return pass != "PostOrderFunctionAttrsPass" || !functions ||
         none_of(**functions, [](const LazyCallGraph::Node &node) { return leaves(node.getFunction()); });
}

constexpr const char *replaced_pass = "IPSCCPPass";

/// What the pipeline's pass of the same kind does, but it clones no function for certain arguments: the clone would have to
/// be compiled and freed with its caller, and its sites would be nobody's. Each caller that has such arguments gets code of
/// its own anyway where the function is inlined.
class PropagateConstants : public PassInfoMixin<PropagateConstants> {
public:
  PreservedAnalyses run(Module &module, ModuleAnalysisManager &analyses) {
    return IPSCCPPass(IPSCCPOptions(/*AllowFuncSpec=*/false)).run(module, analyses);
  }
};

} // namespace

Error optimize(Module &module, TargetMachine &machine, const CanonicalProgram *verify_with) {
  if (Error error = check_site_effects(module))
    return error;
  const DiagnosticScope diagnostics(module.getContext());
  std::string broken;
  PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(
      [](StringRef pass, const Any &unit) { return pass != replaced_pass && may_infer(pass, unit); });
  if (verify_with)
    callbacks.registerAfterPassCallback([&](StringRef pass, const Any &unit, const PreservedAnalyses &preserved) {
      if (!broken.empty())
        return;
      if (Error error = verify_unit(unit, !preserved.areAllPreserved(), *verify_with))
        broken = "after pass " + pass.str() + ": " + toString(std::move(error));
    });

  PipelineTuningOptions tuning;
  tuning.CallGraphProfile = false; // for a linker's order of functions, by pointers to functions of this module
  PassBuilder builder(&machine, tuning, std::nullopt, &callbacks);
  builder.registerPipelineEarlySimplificationEPCallback( // the place right in front of it
      [](ModulePassManager &passes, OptimizationLevel, ThinOrFullLTOPhase) { passes.addPass(PropagateConstants()); });
  builder.registerOptimizerLastEPCallback([](ModulePassManager &passes, OptimizationLevel, ThinOrFullLTOPhase) {
    passes.addPass(createModuleToFunctionPassAdaptor(ThinPolls()));
  });
  run_passes(module, builder, builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2));
  if (!broken.empty())
    return make_error("the frame states were damaged {}", broken);
  if (!diagnostics.errors().empty())
    return make_error("{}", diagnostics.errors());
  return Error::success();
}

} // namespace osr
