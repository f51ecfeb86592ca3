#include "compiler/canonical/struct_returns.h"

#include "compiler/base/error.h"

#include <llvm/IR/Instructions.h>

#include <optional>

using namespace llvm;

namespace osr {
namespace {

template <typename HasSret> std::optional<unsigned> find_struct_return(unsigned count, HasSret has_sret) {
  for (unsigned i = 0; i < count; ++i)
    if (has_sret(i))
      return i;
  return std::nullopt;
}

FunctionType *converted_type(const FunctionType &type, unsigned index) {
  return FunctionType::get(type.getParamType(index), type.params(), type.isVarArg());
}

/// Drops sret; and the pointer now leaves through the result, which "captures" has to admit.
AttributeList converted_attributes(LLVMContext &context, AttributeList attributes, unsigned index) {
  Attribute captures = attributes.getParamAttr(index, Attribute::Captures);
  attributes = attributes.removeParamAttribute(context, index, Attribute::StructRet);
  if (captures.isValid()) {
    CaptureInfo info(captures.getCaptureInfo().getOtherComponents(), CaptureComponents::All);
    attributes = attributes.removeParamAttribute(context, index, Attribute::Captures);
    attributes = attributes.addParamAttribute(context, index, Attribute::getWithCaptureInfo(context, info));
  }
  return attributes;
}

CallBase *create_call(CallBase &call, FunctionType *type) {
  SmallVector<Value *, 8> arguments(call.args());
  SmallVector<OperandBundleDef, 2> bundles;
  call.getOperandBundlesAsDefs(bundles);
  if (auto *invoke = dyn_cast<InvokeInst>(&call))
    return InvokeInst::Create(type, call.getCalledOperand(), invoke->getNormalDest(), invoke->getUnwindDest(),
                              arguments, bundles, "", call.getIterator());
  auto *copy = CallInst::Create(type, call.getCalledOperand(), arguments, bundles, "", call.getIterator());
  copy->setTailCallKind(cast<CallInst>(call).getTailCallKind());
  return copy;
}

void convert_call(CallBase &call, unsigned index) {
  CallBase *copy = create_call(call, converted_type(*call.getFunctionType(), index));
  copy->setCallingConv(call.getCallingConv());
  copy->setAttributes(converted_attributes(call.getContext(), call.getAttributes(), index));
  copy->copyMetadata(call);
  call.eraseFromParent();
}

Error convert_calls(Function &function) {
  SmallVector<std::pair<CallBase *, unsigned>, 8> calls;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      auto *call = dyn_cast<CallBase>(&instruction);
      if (!call || call->isInlineAsm())
        continue;
      auto has_sret = [&](unsigned i) { return call->paramHasAttr(i, Attribute::StructRet); };
      auto index = find_struct_return(call->arg_size(), has_sret);
      if (!index)
        continue;
      if (!call->getType()->isVoidTy() || isa<CallBrInst>(call))
        return make_error("function '{}' makes a call with a struct return and another result",
                          function.getName().str());
      calls.emplace_back(call, *index);
    }
  for (auto [call, index] : calls)
    convert_call(*call, index);
  return Error::success();
}

void convert_returns(Function &function, unsigned index) {
  for (BasicBlock &block : function) {
    auto *ret = dyn_cast<ReturnInst>(block.getTerminator());
    if (!ret)
      continue;
    CallInst *tail = block.getTerminatingMustTailCall(); // must itself be what is returned
    Value *result = tail ? static_cast<Value *>(tail) : function.getArg(index);
    ReturnInst::Create(function.getContext(), result, ret->getIterator());
    ret->eraseFromParent();
  }
}

void convert_function(Function &function, unsigned index) {
  auto *copy = Function::Create(converted_type(*function.getFunctionType(), index), function.getLinkage(),
                                function.getAddressSpace(), "", nullptr);
  function.getParent()->getFunctionList().insert(function.getIterator(), copy);
  copy->copyAttributesFrom(&function);
  copy->setAttributes(converted_attributes(function.getContext(), function.getAttributes(), index));
  copy->copyMetadata(&function, 0);
  copy->takeName(&function);
  copy->splice(copy->begin(), &function);
  for (auto [parameter, old] : zip(copy->args(), function.args())) {
    parameter.takeName(&old);
    old.replaceAllUsesWith(&parameter);
  }
  function.replaceAllUsesWith(copy);
  function.eraseFromParent();
  convert_returns(*copy, index);
}

} // namespace

FunctionType *converted_type(const Function &function) {
  const auto index = find_struct_return(
      unsigned(function.arg_size()), [&](unsigned i) { return function.hasParamAttribute(i, Attribute::StructRet); });
  return index ? converted_type(*function.getFunctionType(), *index) : function.getFunctionType();
}

Error convert_struct_returns(Module &module) {
  for (Function &function : module)
    if (Error error = convert_calls(function)) // first: a call may have the attribute only from its callee
      return error;
  for (Function &function : make_early_inc_range(module)) {
    auto has_sret = [&](unsigned i) { return function.hasParamAttribute(i, Attribute::StructRet); };
    auto index = find_struct_return(function.arg_size(), has_sret);
    if (!index)
      continue;
    if (!function.getReturnType()->isVoidTy())
      return make_error("function '{}' has a struct return and another result", function.getName().str());
    convert_function(function, *index);
  }
  return Error::success();
}

} // namespace osr
