#include "compiler/canonical/gates.h"

#include "compiler/base/print.h"

#include <llvm/IR/Attributes.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/Support/ModRef.h>

using namespace llvm;

namespace osr {

namespace {

FunctionCallee declare(Module &module, StringRef name, FunctionType *type, MemoryEffects effects) {
  FunctionCallee gate = module.getOrInsertFunction(name, type);
  auto *declaration = cast<Function>(gate.getCallee());
  if (effects != MemoryEffects::unknown())
    declaration->setMemoryEffects(effects);
  for (Attribute::AttrKind kind : {Attribute::NoUnwind, Attribute::WillReturn, Attribute::NoFree, Attribute::NoSync,
                                   Attribute::NoCallback, Attribute::Convergent})
    declaration->addFnAttr(kind);
  return gate;
}

} // namespace

FunctionCallee declare_gate(Module &module, Type &type) {
  LLVMContext &context = type.getContext();
  auto *signature = FunctionType::get(&type, {Type::getInt64Ty(context), Type::getInt32Ty(context), &type}, false);
  return declare(module, gate_prefix + print(type), signature, MemoryEffects::none());
}

FunctionCallee declare_place(Module &module, StringRef name, MemoryEffects effects) {
  LLVMContext &context = module.getContext();
  auto *signature = FunctionType::get(Type::getVoidTy(context), {Type::getInt64Ty(context)}, /*isVarArg=*/true);
  FunctionCallee place = declare(module, name, signature, effects);
  cast<Function>(place.getCallee())->addFnAttr(Attribute::NoDuplicate);
  return place;
}

} // namespace osr
