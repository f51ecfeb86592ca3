#include "compiler/canonical/objects.h"

#include "compiler/base/call_of.h"
#include "compiler/base/check.h"

#include <llvm/IR/Instructions.h>
#include <llvm/Support/ModRef.h>

using namespace llvm;

namespace osr {
namespace {

FunctionType *operation_type(LLVMContext &context, StringRef name) {
  Type *nothing = Type::getVoidTy(context), *ptr = PointerType::get(context, 0), *i64 = Type::getInt64Ty(context);
  if (name == object_push)
    return FunctionType::get(ptr, {i64, i64}, false);
  if (name == object_address)
    return FunctionType::get(ptr, {ptr, i64}, false);
  if (name == buffers_save)
    return FunctionType::get(ptr, false);
  OSR_CHECK(name == object_pop || name == object_expose || name == buffers_restore, "no object operation '{}'",
            name.str());
  return FunctionType::get(nothing, {ptr}, false);
}

} // namespace

Function *declare_object_operation(Module &module, StringRef name) {
  if (Function *existing = module.getFunction(name))
    return existing;
  FunctionType *type = operation_type(module.getContext(), name);
  auto *function = Function::Create(type, GlobalValue::ExternalLinkage, name, module);
  function->setMemoryEffects(MemoryEffects::inaccessibleMemOnly());
  for (Attribute::AttrKind kind :
       {Attribute::NoUnwind, Attribute::WillReturn, Attribute::NoFree, Attribute::NoCallback, Attribute::NoSync})
    function->addFnAttr(kind);
  return function;
}

CallInst *as_object_operation(Value *value, StringRef name) { return as_call_of(value, name); }

bool is_object_frame(const Value *value) { return as_call_of(value, object_push); }

bool is_object_address(const Value *value) { return as_call_of(value, object_address); }

Value *frame_of_object(const Value *object) {
  const CallInst *call = as_call_of(object, object_address);
  OSR_CHECK(call, "'{}' is no object address", object->getName().str());
  return call->getArgOperand(0);
}

std::uint64_t offset_of_object(const Value *object) {
  const CallInst *call = as_call_of(object, object_address);
  OSR_CHECK(call, "'{}' is no object address", object->getName().str());
  return cast<ConstantInt>(call->getArgOperand(1))->getZExtValue();
}

CallInst *recompute_object_address(const CallInst &object, Value &frame, IRBuilderBase &builder) {
  OSR_CHECK(is_object_address(&object), "'{}' is no object address", object.getName().str());
  Function *operation = declare_object_operation(*builder.GetInsertBlock()->getModule(), object_address);
  CallInst *again = builder.CreateCall(operation, {&frame, object.getArgOperand(1)}, object.getName());
  again->setAttributes(object.getAttributes().removeRetAttribute(builder.getContext(), Attribute::NoAlias));
  return again;
}

} // namespace osr
