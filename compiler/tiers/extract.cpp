#include "compiler/tiers/extract.h"

#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/Utils/Cloning.h>

using namespace llvm;

namespace osr {
namespace {

/// A weak declaration may stay undefined; everything else is defined somewhere.
GlobalValue::LinkageTypes declared_linkage(const GlobalValue &value) {
  return value.hasExternalWeakLinkage() ? GlobalValue::ExternalWeakLinkage : GlobalValue::ExternalLinkage;
}

} // namespace

Extractor::Extractor(const Module &from, StringRef name)
    : from_(from), module_(std::make_unique<Module>(name, from.getContext())) {
  module_->setTargetTriple(from.getTargetTriple());
  module_->setDataLayout(from.getDataLayout());
  if (NamedMDNode *flags = from.getModuleFlagsMetadata())
    for (MDNode *flag : flags->operands())
      module_->getOrInsertModuleFlagsMetadata()->addOperand(flag);
}

Value *Extractor::materialize(Value *value) {
  if (auto *function = dyn_cast<Function>(value)) {
    if (Function *existing = module_->getFunction(function->getName()))
      return existing;
    auto linkage = declared_linkage(*function);
    auto *declaration = Function::Create(function->getFunctionType(), linkage, function->getAddressSpace(),
                                         function->getName(), module_.get());
    declaration->copyAttributesFrom(function);
    declaration->setLinkage(linkage);
    declaration->setPersonalityFn(nullptr);
    declaration->setDSOLocal(false);
    return declaration;
  }
  if (auto *global = dyn_cast<GlobalVariable>(value))
    return materialize_global(*global);
  return nullptr;
}

Value *Extractor::materialize_global(const GlobalVariable &global) {
  bool only_here = global.hasLocalLinkage(); // made by the optimiser: the program's own globals are external
  if (!only_here)
    if (GlobalVariable *existing = module_->getGlobalVariable(global.getName(), true))
      return existing;
  auto linkage = only_here ? GlobalValue::PrivateLinkage : declared_linkage(global);
  auto *copy = new GlobalVariable(*module_, global.getValueType(), global.isConstant(), linkage, nullptr,
                                  global.getName(), nullptr, global.getThreadLocalMode(), global.getAddressSpace());
  copy->copyAttributesFrom(&global);
  copy->setLinkage(linkage);
  copy->setDSOLocal(only_here);
  map_[&global] = copy; // before the initialiser, which may refer to it
  bool visible = show_constants_ && global.isConstant() && global.hasDefinitiveInitializer();
  if (only_here || visible) {
    copy->setInitializer(MapValue(global.getInitializer(), map_, RF_None, nullptr, &materializer_));
    if (!only_here)
      copy->setLinkage(GlobalValue::AvailableExternallyLinkage);
  }
  return copy;
}

void Extractor::clone_body(const Function &from, Function &to) {
  for (auto [parameter, copy] : zip(from.args(), to.args())) {
    copy.setName(parameter.getName());
    map_[&parameter] = &copy;
  }
  SmallVector<ReturnInst *, 8> returns;
  CloneFunctionInto(&to, &from, map_, CloneFunctionChangeType::DifferentModule, returns, "", nullptr, nullptr,
                    &materializer_);
}

Function &Extractor::clone(const Function &function, StringRef name) {
  // The clone is another symbol than the function: calls to the function itself go through its stable entry.
  auto *copy = Function::Create(function.getFunctionType(), GlobalValue::ExternalLinkage, function.getAddressSpace(),
                                name, module_.get());
  clone_body(function, *copy);
  copy->setLinkage(GlobalValue::ExternalLinkage);
  copy->setDSOLocal(true);
  return *copy;
}

std::unique_ptr<Module> Extractor::finish() {
  for (const Function *callee : shown_callees_) {
    Function *declaration = module_->getFunction(callee->getName());
    if (!declaration)
      declaration = cast<Function>(materialize(const_cast<Function *>(callee)));
    if (!declaration->isDeclaration())
      continue;
    clone_body(*callee, *declaration);
    declaration->setLinkage(GlobalValue::AvailableExternallyLinkage);
  }
  // LLVM's cloning leaves an empty list, which a reader takes for debug information of an unknown version.
  if (NamedMDNode *units = module_->getNamedMetadata("llvm.dbg.cu"); units && units->getNumOperands() == 0)
    units->eraseFromParent();
  return std::move(module_);
}

} // namespace osr
