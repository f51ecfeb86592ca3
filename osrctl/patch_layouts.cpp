#include "osrctl/patch_layouts.h"

#include "compiler/base/error.h"
#include "compiler/base/print.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/DerivedTypes.h>

#include <map>
#include <set>
#include <string>

using namespace llvm;

namespace osr {
namespace {

using Layouts = std::map<std::string, std::set<std::string>>; ///< several may have one name, each in its own scope

/// As far as the bytes mean something: what a pointer leads to has a layout of its own.
std::string text_of(const DIType *type) {
  if (!type)
    return "void";
  if (const auto *derived = dyn_cast<DIDerivedType>(type)) {
    if (derived->getTag() == dwarf::DW_TAG_pointer_type || derived->getTag() == dwarf::DW_TAG_reference_type ||
        derived->getTag() == dwarf::DW_TAG_rvalue_reference_type)
      return "a pointer";
    return text_of(derived->getBaseType());
  }
  if (const auto *array = dyn_cast<DICompositeType>(type); array && array->getTag() == dwarf::DW_TAG_array_type)
    return std::to_string(array->getSizeInBits()) + " bits of " + text_of(array->getBaseType());
  return type->getName().str() + ":" + std::to_string(type->getSizeInBits());
}

std::string layout_of(const DICompositeType &type) {
  std::string text = std::to_string(type.getSizeInBits());
  for (const DINode *element : type.getElements()) {
    if (const auto *member = dyn_cast_or_null<DIDerivedType>(element); member && !member->isStaticMember())
      text += fmt::format("; {} at {}: {} {}", member->getName().str(), member->getOffsetInBits(),
                          member->getSizeInBits(), text_of(member->getBaseType()));
    else if (const auto *value = dyn_cast_or_null<DIEnumerator>(element))
      text += "; " + value->getName().str() + " = " + toString(value->getValue(), 10, !value->isUnsigned());
  }
  return text;
}

Layouts described_layouts(const Module &module) {
  DebugInfoFinder finder;
  finder.processModule(module);
  Layouts layouts;
  for (const DIType *type : finder.types())
    if (const auto *composite = dyn_cast<DICompositeType>(type); composite && !composite->getName().empty() &&
                                                                 !composite->isForwardDecl() &&
                                                                 composite->getTag() != dwarf::DW_TAG_array_type)
      layouts[composite->getName().str()].insert(layout_of(*composite));
  return layouts;
}

Layouts layouts_in_ir(const Module &module) {
  Layouts layouts;
  for (const StructType *type : module.getIdentifiedStructTypes()) {
    if (type->isOpaque())
      continue;
    std::string text;
    for (const Type *element : type->elements()) {
      const auto *inner = dyn_cast<StructType>(element);
      text += (inner && inner->hasName() ? inner->getName().str() : print(*element)) + "; ";
    }
    layouts[type->getName().str()].insert(text);
  }
  return layouts;
}

Error compare(const Layouts &before, const Layouts &after) {
  for (const auto &[name, now] : after)
    if (auto then = before.find(name); then != before.end() && then->second != now)
      return make_error("the layout of '{}' has changed, and the program has objects of the old one", name);
  return Error::success();
}

} // namespace

Error check_layouts(const Module &before, const Module &after) {
  if (Error error = compare(described_layouts(before), described_layouts(after)))
    return error;
  return compare(layouts_in_ir(before), layouts_in_ir(after));
}

} // namespace osr
