#include "compiler/tiers/extract.h"

#include <llvm/ADT/SmallVectorExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
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

bool IndependentMetadata::contains(const MDNode &node) {
  SmallPtrSet<const MDNode *, 16> seen;
  SmallVector<const MDNode *, 16> left{&node};
  while (!left.empty()) {
    const MDNode *next = left.pop_back_val();
    if (known_.contains(next) || !seen.insert(next).second)
      continue;
    for (const MDOperand &operand : next->operands()) {
      const Metadata *part = operand.get();
      if (const auto *inner = dyn_cast_or_null<MDNode>(part)) {
        left.push_back(inner);
        continue;
      }
      const auto *constant = dyn_cast_or_null<ConstantAsMetadata>(part);
      if (part && !isa<MDString>(part) && !(constant && isa<ConstantData>(constant->getValue())))
        return false;
    }
  }
  known_.insert_range(seen); // all that can be reached from one of them was looked at
  return true;
}

Type *Extractor::LiteralTypes::remapType(Type *type) {
  if (Type *found = known.lookup(type))
    return found;
  auto parts = map_to_vector(type->subtypes(), [this](Type *part) { return remapType(part); });
  Type *literal = type;
  if (const auto *structure = dyn_cast<StructType>(type); structure && !structure->isOpaque())
    literal = StructType::get(type->getContext(), parts, structure->isPacked());
  else if (const auto *array = dyn_cast<ArrayType>(type))
    literal = ArrayType::get(parts[0], array->getNumElements());
  else if (const auto *function = dyn_cast<FunctionType>(type))
    literal = FunctionType::get(parts[0], ArrayRef(parts).drop_front(), function->isVarArg());
  return known[type] = literal;
}

Extractor::Extractor(const Module &from, StringRef name) : module_(std::make_unique<Module>(name, from.getContext())) {
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
    auto *declaration = Function::Create(cast<FunctionType>(type_of(function->getFunctionType())), linkage,
                                         function->getAddressSpace(), function->getName(), module_.get());
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
  auto *copy = new GlobalVariable(*module_, type_of(global.getValueType()), global.isConstant(), linkage, nullptr,
                                  global.getName(), nullptr, global.getThreadLocalMode(), global.getAddressSpace());
  copy->copyAttributesFrom(&global);
  copy->setLinkage(linkage);
  copy->setDSOLocal(only_here);
  map_[&global] = copy; // before the initialiser, which may refer to it
  bool visible = show_constants_ && global.isConstant() && global.hasDefinitiveInitializer();
  if (only_here || visible) {
    copy->setInitializer(
        MapValue(global.getInitializer(), map_, RF_None, literal_types_ ? &types_ : nullptr, &materializer_));
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
  // Copies of distinct nodes would be new nodes, which the context keeps for ever; so the clone shares them.
  const MetadataPredicate is_shared = [this](const Metadata *part) {
    const auto *node = dyn_cast<MDNode>(part);
    return node && shared_->contains(*node);
  };
  if (DISubprogram *subprogram = from.getSubprogram()) // source lines belong to no module (source_lines.h)
    share_lines(*subprogram);
  ValueMapTypeRemapper *types = literal_types_ ? &types_ : nullptr;
  SmallVector<ReturnInst *, 8> returns;
  CloneFunctionAttributesInto(&to, &from, map_, /*ModuleLevelChanges=*/true, types, &materializer_);
  CloneFunctionMetadataInto(to, from, map_, RF_None, types, &materializer_, &is_shared);
  CloneFunctionBodyInto(to, from, map_, RF_None, returns, "", nullptr, types, &materializer_, &is_shared);
}

void Extractor::share_lines(DISubprogram &subprogram) {
  DICompileUnit *unit = subprogram.getUnit();
  map_.MD().try_emplace(&subprogram).first->second.reset(&subprogram);
  map_.MD().try_emplace(unit).first->second.reset(unit);
  NamedMDNode *units = module_->getOrInsertNamedMetadata("llvm.dbg.cu");
  if (!is_contained(units->operands(), unit))
    units->addOperand(unit);
}

Function &Extractor::clone(const Function &function, StringRef name) {
  // The clone is another symbol than the function: calls to the function itself go through its stable entry.
  auto *copy = Function::Create(cast<FunctionType>(type_of(function.getFunctionType())), GlobalValue::ExternalLinkage,
                                function.getAddressSpace(), name, module_.get());
  clone_body(function, *copy);
  cloned_ = &function;
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
    if (callee == cloned_)
      stripDebugInfo(*declaration); // no two functions of a module may have one subprogram
    declaration->setLinkage(GlobalValue::AvailableExternallyLinkage);
  }
  return std::move(module_);
}

} // namespace osr
