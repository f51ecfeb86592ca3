#include "compiler/canonical/points.h"

#include "compiler/base/error.h"
#include "compiler/canonical/frame_state_bundle.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

void rename_bundle(CallBase &call, std::vector<Value *> values) {
  CallBase *bare = drop_frame_state(call);
  auto *named = CallBase::addOperandBundle(bare, call.getContext().getOrInsertBundleTag(point_bundle)->second,
                                           OperandBundleDef(point_bundle, values), bare->getIterator());
  named->takeName(bare);
  named->copyMetadata(*bare);
  bare->replaceAllUsesWith(named);
  bare->eraseFromParent();
}

/// Nothing of the program may happen there; values may be computed before or behind it.
void describe_point(Function &point) {
  point.setName(point_callee);
  point.setMemoryEffects(MemoryEffects::inaccessibleMemOnly());
  for (Attribute::AttrKind kind :
       {Attribute::NoUnwind, Attribute::WillReturn, Attribute::NoFree, Attribute::NoCallback, Attribute::MustProgress})
    point.addFnAttr(kind);
}

} // namespace

CallBase *drop_point(CallBase &call) {
  return call.getOperandBundle(point_bundle)
             ? drop_bundle(call, call.getContext().getOrInsertBundleTag(point_bundle)->second)
             : &call;
}

Error keep_points(Module &module) {
  Function *point = module.getFunction(point_function);
  if (point && (!point->isDeclaration() || !point->getReturnType()->isVoidTy() || point->isVarArg() ||
                point->arg_size() != 1 || !point->getArg(0)->getType()->isIntegerTy(64)))
    return make_error("'{}' has to be declared as void ({})(i64)", point_function, point_function);
  for (Function &function : module)
    for (CallBase *call : calls_with_frame_state(function)) {
      std::vector<Value *> values;
      const bool is_point = point && call->getCalledFunction() == point;
      if (is_point)
        values.push_back(call->getArgOperand(0));
      append_range(values, frame_state_bundle(*call)->Inputs);
      if (!isa<IntrinsicInst>(call) && !values.empty() && isa<ConstantInt>(values.front()) &&
          values.front()->getType()->isIntegerTy(64))
        rename_bundle(*call, std::move(values));
      else
        drop_frame_state(*call);
    }
  if (point)
    describe_point(*point);
  return Error::success();
}

void drop_points(Function &function) {
  SmallVector<CallBase *, 8> calls;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallBase>(&instruction))
      calls.push_back(call);
  for (CallBase *call : calls)
    drop_point(*call);
}

void drop_point_calls(Module &module) {
  Function *point = module.getFunction(point_callee);
  if (!point)
    return;
  for (User *user : make_early_inc_range(point->users()))
    if (auto *call = dyn_cast<CallInst>(user); call && call->getCalledFunction() == point)
      call->eraseFromParent();
}

} // namespace osr
