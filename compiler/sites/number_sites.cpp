#include "compiler/sites/number_sites.h"

#include "compiler/base/check.h"
#include "compiler/base/print.h"
#include "compiler/canonical/exit_calls.h"
#include "compiler/canonical/objects.h"
#include "compiler/sites/exempt_calls.h"
#include "compiler/sites/liveness.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/site_effects.h"
#include "compiler/target/result_registers.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

using namespace llvm;

namespace osr {
namespace {

FrameStateValue describe(const Value &value, const DataLayout &layout) {
  Type &type = *value.getType();
  FrameStateValue result;
  result.size = layout.getTypeStoreSize(&type).getFixedValue();
  result.align = std::min<std::uint64_t>(16, layout.getABITypeAlign(&type).value());
  result.type = print(type);
  result.name = value.hasName() ? value.getName().str() : std::string();
  return result;
}

SiteKind kind_of(StringRef callee) {
  return callee == loop_poll_callee      ? SiteKind::LoopPoll
         : callee == guard_failed_callee ? SiteKind::GuardExit
                                         : SiteKind::Call;
}

Site describe(CallBase &call, SiteId id, const TargetMachine &machine) {
  Site site;
  site.id = id;
  if (const Function *callee = call.getCalledFunction())
    site.callee = callee->getName().str();
  site.kind = kind_of(site.callee);
  site.result_type = print(*call.getType());
  site.result_used = !call.use_empty();
  if (auto registers = result_registers(call, machine))
    site.result = *registers;
  else
    site.refusal = SiteRefusal::ResultInMemory;
  return site;
}

/// A callee that is inlined at a call without a frame state brings sites whose chains lack the frame of the caller.
void forbid_inlining(CallBase &call) {
  const Function *callee = call.getCalledFunction();
  if (call.isInlineAsm() || (callee && callee->isDeclaration()))
    return;
  call.removeFnAttr(Attribute::AlwaysInline);
  call.addFnAttr(Attribute::NoInline);
}

} // namespace

void number_sites(Function &function, FunctionInfo &info, const TargetMachine &machine) {
  std::vector<CallBase *> calls;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block)
      if (auto *call = dyn_cast<CallBase>(&instruction); call && is_site(*call))
        calls.push_back(call);
      else if (call)
        forbid_inlining(*call);

  Liveness liveness(function, is_frame_state_value);
  std::vector<std::vector<Value *>> states;
  for (CallBase *call : calls)
    states.push_back(liveness.live_across(*call));

  Type *i64 = Type::getInt64Ty(function.getContext());
  DenseMap<Value *, Value *> renewed; // a call with a bundle is a new instruction
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CallBase *call = calls[i];
    Site site = describe(*call, {info.id, std::uint32_t(i)}, machine);
    std::vector<Value *> operands{ConstantInt::get(i64, site.id.packed())};
    for (Value *value : states[i]) {
      Value *current = renewed.lookup(value) ? renewed.lookup(value) : value;
      operands.push_back(current);
      site.state.push_back(describe(*current, function.getDataLayout()));
      if (current->getType()->isAggregateType())
        site.refusal = SiteRefusal::LiveAggregate;
      if (current->getType()->isX86_AMXTy())
        site.refusal = SiteRefusal::LiveTile;
    }
    if (site.is_replaceable()) {
      CallBase *with_bundle = CallBase::addOperandBundle(call, LLVMContext::OB_deopt,
                                                         OperandBundleDef("deopt", operands), call->getIterator());
      with_bundle->takeName(call);
      with_bundle->copyMetadata(*call);
      with_bundle->addFnAttr(Attribute::NoMerge);
      read_all_memory(*with_bundle);
      call->replaceAllUsesWith(with_bundle);
      call->eraseFromParent();
      renewed[call] = with_bundle;
    } else {
      forbid_inlining(*call);
    }
    info.sites.push_back(std::move(site));
  }
}

bool is_site(const CallBase &call) {
  if (isa<IntrinsicInst>(call) || call.isInlineAsm() || call.isMustTailCall() || call.doesNotReturn())
    return false;
  const auto *callee = dyn_cast<Function>(call.getCalledOperand()->stripPointerCasts());
  if (!callee)
    return true;
  if (callee->isIntrinsic()) // invoked
    return false;
  if (callee->getName().starts_with("osr."))
    return false; // object stack operations, which tiers lower to a few instructions
  return !(callee->isDeclaration() && is_exempt_callee(callee->getName()));
}

bool is_frame_state_value(const Value &value) {
  Type *type = value.getType();
  if (!isa<Instruction>(value) && !isa<Argument>(value))
    return false;
  if (type->isVoidTy() || type->isTokenTy() || type->isMetadataTy() || type->isLabelTy())
    return false;
  return !is_object_address(&value);
}

FunctionId function_id(const Function &function) {
  FunctionId id = 0;
  bool failed = function.getFnAttribute("osr-function").getValueAsString().getAsInteger(10, id);
  OSR_CHECK(!failed, "function '{}' carries no function id", function.getName().str());
  return id;
}

void number_sites(CanonicalProgram &program, const TargetMachine &machine) {
  for (Function &function : *program.module) {
    if (function.isDeclaration())
      continue;
    FunctionInfo &info = program.functions[function_id(function)];
    if (info.pinned == PinReason::None)
      number_sites(function, info, machine);
  }
}

} // namespace osr
