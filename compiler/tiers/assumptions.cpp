#include "compiler/tiers/assumptions.h"

#include "compiler/base/check.h"
#include "compiler/canonical/canonical_program.h"
#include "compiler/canonical/exit_calls.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/sites/frame_chain.h"
#include "compiler/sites/number_sites.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {
namespace {

template <typename Predicate> std::vector<CallInst *> calls_if(Function &function, Predicate &&is_wanted) {
  std::vector<CallInst *> found;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallInst>(&instruction); call && is_wanted(*call))
      found.push_back(call);
  return found;
}

bool is_deoptimize(const CallInst &call) { return call.getIntrinsicID() == Intrinsic::experimental_deoptimize; }

OperandBundleDef bundle_of(const CallInst &call) { return OperandBundleDef(*frame_state_bundle(call)); }

SiteId innermost_site(const CallInst &call, const CanonicalProgram &program) {
  return cantFail(read_frame_chain(call, program)).back().site->id;
}

/// Nothing comes behind the call any more.
void leave_at(CallInst &failed) {
  Function &function = *failed.getFunction();
  Type *result = function.getReturnType();
  Function *deoptimize =
      Intrinsic::getOrInsertDeclaration(function.getParent(), Intrinsic::experimental_deoptimize, {result});
  const auto bundle = bundle_of(failed);
  Value *reason = failed.getArgOperand(0);
  BasicBlock &block = *failed.getParent();
  changeToUnreachable(&failed);
  Instruction *end = block.getTerminator();
  IRBuilder<> builder(end);
  CallInst *call = builder.CreateCall(deoptimize, {reason}, {bundle});
  call->addFnAttr(Attribute::NoMerge);
  if (result->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(call);
  end->eraseFromParent();
}

/// Code that leaves takes the activations of all its callers up to the next frame with it. A function that cannot be
/// replaced has no frame state: nothing that may leave can become a part of it.
void keep_out_of_pinned(Function &function) {
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallBase>(&instruction); call && !isa<IntrinsicInst>(call) && !call->isInlineAsm()) {
      call->removeFnAttr(Attribute::AlwaysInline);
      call->addFnAttr(Attribute::NoInline);
    }
}

} // namespace

bool Assumptions::holds(SiteId guard) const {
  auto found = dropped_.find(guard.function);
  return found == dropped_.end() || (found->second.size() < most_dropped && !found->second.contains(guard));
}

void Assumptions::drop(SiteId guard) { dropped_[guard.function].insert(guard); }

void Assumptions::forget(FunctionId function) { dropped_.erase(function); }

bool is_guard_site(const Site &site) { return site.kind == SiteKind::GuardExit; }

void assume_guards(Module &module, const CanonicalProgram &program, const Assumptions *assumptions) {
  if (!module.getFunction(guard_failed_callee))
    return;
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    for (CallInst *failed : calls_if(function, is_guard_failed))
      if (assumptions && has_frame_state(*failed) && assumptions->holds(innermost_site(*failed, program)))
        leave_at(*failed);
      else
        failed->eraseFromParent();
    removeUnreachableBlocks(function);
    if (program.info_of(function).pinned != PinReason::None)
      keep_out_of_pinned(function);
  }
}

bool leaves(const Function &function) {
  return any_of(instructions(function), [](const Instruction &instruction) {
    const auto *call = dyn_cast<CallInst>(&instruction);
    return call && is_deoptimize(*call);
  });
}

void lower_exits(Function &function) {
  for (CallInst *deoptimize : calls_if(function, is_deoptimize)) {
    auto *end = cast<ReturnInst>(deoptimize->getNextNode());
    BasicBlock *block = deoptimize->getParent()->splitBasicBlock(deoptimize, "exit");
    IRBuilder<> builder(deoptimize);
    Type *reason = builder.getInt32Ty();
    FunctionCallee callee = function.getParent()->getOrInsertFunction(guard_failed_callee, builder.getVoidTy(), reason);
    CallInst *failed = builder.CreateCall(callee, {deoptimize->getArgOperand(0)}, {bundle_of(*deoptimize)});
    failed->addFnAttr(Attribute::NoMerge);
    failed->addFnAttr(Attribute::NoUnwind);
    builder.CreateBr(block);
    end->eraseFromParent();
    deoptimize->eraseFromParent();
  }
}

std::map<FunctionId, std::set<SiteId>> exits_of(const Module &module, const CanonicalProgram &program) {
  std::map<FunctionId, std::set<SiteId>> found;
  for (const Function &function : module)
    for (const Instruction &instruction : instructions(function))
      if (const auto *call = dyn_cast<CallInst>(&instruction); call && is_deoptimize(*call))
        found[function_id(function)].insert(innermost_site(*call, program));
  return found;
}

} // namespace osr
