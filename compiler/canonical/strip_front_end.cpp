#include "compiler/canonical/strip_front_end.h"

#include "compiler/base/error.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/gates.h"
#include "compiler/canonical/points.h"
#include "compiler/canonical/reserved_names.h"
#include "compiler/canonical/source_lines.h"

#include <llvm/ADT/StringSet.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

/// clang -O0 marks everything noinline. That says nothing about the program, so it goes; a noinline that a programmer
/// wrote stands among functions without it and stays.
bool noinline_is_artefact(const Module &module) {
  for (const Function &function : module)
    if (!function.isDeclaration() && !function.hasFnAttribute(Attribute::AlwaysInline) &&
        !function.hasFnAttribute(Attribute::NoInline))
      return false;
  return true;
}

void strip_attributes(Function &function, bool drop_noinline) {
  if (function.hasFnAttribute(Attribute::OptimizeNone) || drop_noinline)
    function.removeFnAttr(Attribute::NoInline);
  constexpr Attribute::AttrKind unwanted[] = {
      Attribute::OptimizeNone,
      Attribute::StackProtect,
      Attribute::StackProtectStrong,
      Attribute::StackProtectReq,
      Attribute::StackAlignment,
      Attribute::SafeStack,
      Attribute::ShadowCallStack,
      Attribute::SpeculativeLoadHardening}; // the last: its pass takes a stack map for a call that loads, and gives up
  for (Attribute::AttrKind kind : unwanted)
    function.removeFnAttr(kind);
  // The last five: XRay would never find the places to patch, and what is not patched does nothing.
  for (const char *name : {"stackrealign", "stack-protector-buffer-size", "split-stack", "patchable-function",
                           "patchable-function-entry", "patchable-function-prefix", "function-instrument",
                           "xray-instruction-threshold", "xray-skip-entry", "xray-skip-exit", "xray-log-args"})
    function.removeFnAttr(name);
  if (!function.isIntrinsic()) // else its calls could be made where control never comes: no place for a site
    function.removeFnAttr(Attribute::Speculatable);
  if (function.isDeclaration())
    return;
  if (!function.hasFnAttribute("frame-pointer")) // as asked for: profilers and mcount go by it
    function.addFnAttr("frame-pointer", "none");
  function.addFnAttr("no-realign-stack"); // then rsp at a site is the CFA minus a constant
  function.setUWTableKind(UWTableKind::Async);
}

Error check_entry(const Function &function) {
  const char *data = function.hasPrefixData() ? "prefix" : function.hasPrologueData() ? "prologue" : nullptr;
  if (data)
    return make_error("function '{}' has {} data, which cannot be found through a replaceable entry; compile it "
                      "without the option that adds it",
                      function.getName().str(), data);
  if (function.isPresplitCoroutine())
    return make_error("function '{}' is a coroutine that was not split; let the front end run its passes",
                      function.getName().str());
  // What the runtime provides may be declared; what begins with 'osr.' are pseudo-calls of later steps.
  if (function.isDeclaration() ? function.getName().starts_with("osr.") && function.getName() != point_function &&
                                     !is_gate_name(function.getName())
                               : is_reserved_name(function.getName()))
    return make_error("function '{}' uses a reserved name; names that begin with 'osr-' or 'osr.' are taken",
                      function.getName().str());
  return Error::success();
}

/// Old or hand-written IR may declare these without the attribute, and code generation relies on it.
void mark_returns_twice(Module &module) {
  for (const char *name :
       {"setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp", "__sigsetjmp_cancel", "vfork", "getcontext", "savectx"})
    if (Function *function = module.getFunction(name); function && function->isDeclaration())
      function->addFnAttr(Attribute::ReturnsTwice);
}

/// Which threads of a group run together means nothing here, and its tokens could not be handed to a continuation.
void strip_convergence(Function &function) {
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (auto *call = dyn_cast<CallBase>(&instruction); call && call->getOperandBundle(LLVMContext::OB_convergencectrl))
      drop_bundle(*call, LLVMContext::OB_convergencectrl);
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (isa<ConvergenceControlInst>(instruction))
      instruction.eraseFromParent();
}

/// One for each thing that is assumed: LLVM's DropUnnecessaryAssumes puts a new assumption into the list that it is going
/// through where it drops only a part of one.
void split_assumptions(Function &function) {
  for (Instruction &instruction : make_early_inc_range(instructions(function))) {
    auto *assume = dyn_cast<AssumeInst>(&instruction);
    if (!assume || assume->getNumOperandBundles() < 2)
      continue;
    SmallVector<OperandBundleDef, 4> bundles;
    assume->getOperandBundlesAsDefs(bundles);
    IRBuilder<> builder(assume);
    for (const OperandBundleDef &bundle : bundles)
      builder.CreateAssumption(builder.getTrue(), bundle);
    builder.CreateAssumption(assume->getArgOperand(0));
    assume->eraseFromParent();
  }
}

void drop_events_of_xray(Function &function) {
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (auto *call = dyn_cast<IntrinsicInst>(&instruction);
        call && is_contained({Intrinsic::xray_customevent, Intrinsic::xray_typedevent}, call->getIntrinsicID()))
      call->eraseFromParent();
}

void strip_modules_own(Module &module, DebugInformation debug) {
  if (debug == DebugInformation::Lines)
    keep_source_lines(module);
  for (const char *name : {"llvm.used", "llvm.compiler.used", "llvm.global.annotations", "llvm.embedded.module",
                           "llvm.embedded.object", "llvm.cmdline"})
    if (GlobalVariable *list = module.getGlobalVariable(name, true)) {
      list->replaceAllUsesWith(PoisonValue::get(list->getType()));
      list->eraseFromParent();
    }
  SmallVector<Module::ModuleFlagEntry, 16> flags;
  module.getModuleFlagsMetadata(flags);
  if (NamedMDNode *old = module.getModuleFlagsMetadata())
    old->eraseFromParent();
  // The call graph's profile is for a linker's order of functions: a section of its own in each object.
  StringSet<> unwanted{"PIE Level", "PIC Level",     "direct-access-external-data",
                       "uwtable",   "frame-pointer", "CG Profile"};
  for (const Module::ModuleFlagEntry &flag : flags)
    if (!unwanted.contains(flag.Key->getString()))
      module.addModuleFlag(flag.Behavior, flag.Key->getString(), flag.Val);
  module.setPICLevel(PICLevel::BigPIC);
  module.setUwtable(UWTableKind::Async);
}

} // namespace

Error strip_front_end(Module &module, DebugInformation debug) {
  strip_modules_own(module, debug);
  mark_returns_twice(module);
  bool drop_noinline = noinline_is_artefact(module);
  for (Function &function : module) {
    if (Error error = check_entry(function))
      return error;
    strip_attributes(function, drop_noinline);
    strip_convergence(function);
    drop_events_of_xray(function);
    split_assumptions(function);
  }
  return Error::success();
}

} // namespace osr
