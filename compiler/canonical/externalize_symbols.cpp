#include "compiler/canonical/externalize_symbols.h"

#include "compiler/target/calling_conventions.h"

#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Mangler.h>

using namespace llvm;

namespace osr {
namespace {

void drop_offered_body(GlobalObject &object) {
  if (!object.hasAvailableExternallyLinkage())
    return;
  if (auto *function = dyn_cast<Function>(&object))
    function->deleteBody();
  else
    cast<GlobalVariable>(object).setInitializer(nullptr);
  object.setLinkage(GlobalValue::ExternalLinkage);
}

/// ELF drops symbols that begin with .L from an object's symbol table, and \01 only tells LLVM not to decorate a name,
/// which it never does on this target.
std::string external_name(const GlobalObject &object, const TargetLibraryInfoImpl &library) {
  StringRef name = object.getName();
  if (name.empty())
    return "unnamed";
  name.consume_front("\1");
  if (object.hasLocalLinkage() && name.starts_with(".L"))
    return ("local" + name).str();
  LibFunc known;
  if (object.hasLocalLinkage() && library.getLibFunc(name, known))
    return (name + ".local").str();
  return name.str();
}

void externalize(GlobalObject &object, const TargetLibraryInfoImpl &library) {
  drop_offered_body(object);
  std::string name = external_name(object, library);
  if (name != object.getName()) {
    GlobalValue *taken = object.getParent()->getNamedValue(name);
    if (taken && object.isDeclaration() && taken->getValueType() == object.getValueType())
      object.replaceAllUsesWith(taken); // "\01name" and "name" are one symbol
    object.setName(name);               // made unique by LLVM when it is taken
  }
  object.setComdat(nullptr);
  object.setPartition("");
  object.eraseMetadata(LLVMContext::MD_associated);
  if (object.isDeclaration()) {
    if (object.hasLinkOnceLinkage() || object.hasWeakLinkage() || object.hasCommonLinkage())
      object.setLinkage(GlobalValue::ExternalLinkage);
  } else {
    object.setLinkage(GlobalValue::ExternalLinkage);
  }
  object.setVisibility(GlobalValue::DefaultVisibility);
  object.setDLLStorageClass(GlobalValue::DefaultStorageClass);
  object.setDSOLocal(false);
  if (isa<Function>(object))
    object.setSection("");
}

} // namespace

bool is_decorated(const Function &function) { return decorates_names(function.getCallingConv()); }

void decorate_names(Module &module) {
  for (Function &function : module) {
    StringRef name = function.getName();
    if (!is_decorated(function) || name.starts_with("\1"))
      continue;
    SmallString<64> decorated;
    Mangler().getNameWithPrefix(decorated, &function, /*CannotUsePrivateLabel=*/false);
    StringRef suffix = decorated.str();
    if (suffix.consume_front(name) && !suffix.empty() && !name.ends_with(suffix))
      function.setName(decorated);
  }
}

std::vector<Export> find_exports(const Module &module) {
  std::vector<Export> exports;
  for (const GlobalValue &value : module.global_values()) {
    if (value.isDeclarationForLinker() || value.hasLocalLinkage() || value.hasAppendingLinkage() ||
        value.isThreadLocal() || !value.hasDefaultVisibility() || value.getName().starts_with("llvm."))
      continue;
    StringRef name = value.getName();
    name.consume_front("\1");
    exports.push_back({name.str(), isa<FunctionType>(value.getValueType()),
                       value.hasLinkOnceODRLinkage() || value.hasWeakODRLinkage()});
  }
  return exports;
}

void externalize_symbols(Module &module) {
  TargetLibraryInfoImpl library(module.getTargetTriple());
  for (Function &function : module)
    if (!function.isIntrinsic())
      externalize(function, library);
  for (GlobalVariable &variable : module.globals())
    if (!variable.getName().starts_with("llvm.") && !variable.hasAppendingLinkage()) // lists, known by name
      externalize(variable, library);
}

} // namespace osr
