#include "compiler/sites/source_types.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t pointer_bits = 64;

SourceType plain(SourceType::Kind kind, std::uint64_t bits) {
  SourceType type;
  type.kind = kind;
  type.bits = bits;
  return type;
}

SourceType::Kind kind_of(const DIBasicType &type) {
  switch (type.getEncoding()) {
  case dwarf::DW_ATE_signed: return SourceType::Kind::Signed;
  case dwarf::DW_ATE_unsigned: return SourceType::Kind::Unsigned;
  case dwarf::DW_ATE_boolean: return SourceType::Kind::Boolean;
  case dwarf::DW_ATE_signed_char: return SourceType::Kind::Character;
  case dwarf::DW_ATE_unsigned_char: return SourceType::Kind::UnsignedCharacter;
  case dwarf::DW_ATE_UTF: return SourceType::Kind::Unsigned;
  case dwarf::DW_ATE_float: return SourceType::Kind::Float;
  default: return SourceType::Kind::Other;
  }
}

bool is_signed(const DICompositeType &enumeration) {
  const auto *base = enumeration.getBaseType();
  while (const auto *named = dyn_cast_or_null<DIDerivedType>(base))
    base = named->getBaseType();
  const auto *basic = dyn_cast_or_null<DIBasicType>(base);
  return !basic || kind_of(*basic) == SourceType::Kind::Signed || kind_of(*basic) == SourceType::Kind::Character;
}

const char *keyword_of(const DICompositeType &type) {
  switch (type.getTag()) {
  case dwarf::DW_TAG_structure_type: return "struct ";
  case dwarf::DW_TAG_union_type: return "union ";
  case dwarf::DW_TAG_enumeration_type: return "enum ";
  default: return "";
  }
}

std::string name_of(const DIType *type);

std::string name_of(const DICompositeType &type) {
  if (type.getTag() == dwarf::DW_TAG_array_type) {
    std::string text = name_of(type.getBaseType());
    for (const DINode *range : type.getElements())
      if (const auto *subrange = dyn_cast_or_null<DISubrange>(range))
        if (const auto *count = dyn_cast_if_present<ConstantInt *>(subrange->getCount()))
          text += "[" + std::to_string(count->getSExtValue()) + "]";
    return text;
  }
  return keyword_of(type) + (type.getName().empty() ? "{...}" : type.getName().str());
}

std::string name_of(const DIDerivedType &type) {
  std::string base = name_of(type.getBaseType());
  switch (type.getTag()) {
  case dwarf::DW_TAG_pointer_type: return base + (StringRef(base).ends_with("*") ? "*" : " *");
  case dwarf::DW_TAG_reference_type: return base + " &";
  case dwarf::DW_TAG_rvalue_reference_type: return base + " &&";
  case dwarf::DW_TAG_const_type: return "const " + base;
  case dwarf::DW_TAG_volatile_type: return "volatile " + base;
  case dwarf::DW_TAG_atomic_type: return "_Atomic " + base;
  case dwarf::DW_TAG_restrict_type: return base;
  default: return type.getName().empty() ? base : type.getName().str();
  }
}

/// As a person would write it.
std::string name_of(const DIType *type) {
  if (!type)
    return "void";
  if (const auto *derived = dyn_cast<DIDerivedType>(type))
    return name_of(*derived);
  if (const auto *composite = dyn_cast<DICompositeType>(type))
    return name_of(*composite);
  return type->getName().empty() ? "function" : type->getName().str();
}

bool is_pointer(const DIType &type) {
  return type.getTag() == dwarf::DW_TAG_pointer_type || type.getTag() == dwarf::DW_TAG_reference_type ||
         type.getTag() == dwarf::DW_TAG_rvalue_reference_type;
}

/// As C++ names it.
std::string name_in_scopes(const DIType &type) {
  std::string name = type.getName().str();
  if (name.empty())
    return name;
  for (const DIScope *scope = type.getScope(); scope; scope = scope->getScope()) {
    if (!isa<DINamespace, DICompositeType>(scope))
      break;
    name = (scope->getName().empty() ? "(anonymous namespace)" : scope->getName().str()) + "::" + name;
  }
  return name;
}

} // namespace

SourceTypeId SourceTypes::add(const DIType *type) {
  const SourceTypeId added = add_whole(type);
  follow_pointers();
  return added;
}

/// With all that it has in itself.
SourceTypeId SourceTypes::add_whole(const DIType *type) {
  if (auto found = known_.find(type); found != known_.end())
    return found->second;
  SourceType described = type ? describe(*type) : SourceType();
  described.name = name_of(type);
  types_.push_back(std::move(described));
  const auto added = SourceTypeId(types_.size() - 1);
  if (isa_and_nonnull<DISubroutineType>(type) || (type && is_pointer(*type)))
    to_follow_.emplace_back(added, type);
  return known_[type] = added;
}

void SourceTypes::follow_pointers() {
  while (!to_follow_.empty()) {
    const auto [from, type] = to_follow_.back();
    to_follow_.pop_back();
    if (const auto *pointer = dyn_cast<DIDerivedType>(type)) {
      const SourceTypeId target = pointer->getBaseType() ? add_whole(pointer->getBaseType()) : no_source_type;
      types_[from].target = target;
      continue;
    }
    const DITypeRefArray all =
        cast<DISubroutineType>(type)->getTypeArray(); // the result first; null at the end: variadic
    for (unsigned i = 0; i != all.size(); ++i) {
      const SourceTypeId part = all[i] ? add_whole(all[i]) : no_source_type;
      if (i == 0)
        types_[from].target = part;
      else if (all[i])
        types_[from].parameters.push_back(part);
    }
  }
}

SourceType SourceTypes::describe(const DIType &type) {
  if (const auto *basic = dyn_cast<DIBasicType>(&type))
    return describe_basic(*basic);
  if (const auto *derived = dyn_cast<DIDerivedType>(&type))
    return describe(*derived);
  if (const auto *composite = dyn_cast<DICompositeType>(&type)) {
    SourceType described = describe(*composite);
    described.tag = composite->getTag();
    described.is_declared_only = composite->isForwardDecl();
    described.declared_name = name_in_scopes(type);
    return described;
  }
  SourceType described;
  described.tag = type.getTag() == dwarf::DW_TAG_subroutine_type ? type.getTag() : 0;
  return described;
}

SourceType SourceTypes::describe_basic(const DIBasicType &type) {
  SourceType described = plain(kind_of(type), type.getSizeInBits());
  described.tag = type.getTag();
  described.encoding = std::uint8_t(type.getEncoding());
  described.declared_name = type.getName().str();
  return described;
}

SourceType SourceTypes::describe(const DIDerivedType &type) {
  switch (type.getTag()) {
  case dwarf::DW_TAG_pointer_type:
  case dwarf::DW_TAG_reference_type:
  case dwarf::DW_TAG_rvalue_reference_type: {
    SourceType described = plain(SourceType::Kind::Pointer, pointer_bits);
    described.tag = type.getTag();
    return described;
  }
  case dwarf::DW_TAG_typedef:
  case dwarf::DW_TAG_const_type:
  case dwarf::DW_TAG_volatile_type:
  case dwarf::DW_TAG_restrict_type:
  case dwarf::DW_TAG_atomic_type: {
    const SourceTypeId target = add_whole(type.getBaseType());
    SourceType described = types_[target];
    described.tag = type.getTag();
    described.target = type.getBaseType() ? target : no_source_type;
    described.declared_name = name_in_scopes(type);
    return described;
  }
  default: return {};
  }
}

SourceType SourceTypes::describe(const DICompositeType &type) {
  if (type.isForwardDecl())
    return {};
  switch (type.getTag()) {
  case dwarf::DW_TAG_array_type: return describe_array(type);
  case dwarf::DW_TAG_enumeration_type: {
    SourceType described = plain(SourceType::Kind::Enumeration, type.getSizeInBits());
    described.is_signed = is_signed(type);
    for (const DINode *element : type.getElements())
      if (const auto *enumerator = dyn_cast_or_null<DIEnumerator>(element);
          enumerator && enumerator->getValue().getSignificantBits() <= 64)
        described.enumerators.emplace_back(enumerator->getValue().trySExtValue().value_or(0),
                                           enumerator->getName().str());
    return described;
  }
  case dwarf::DW_TAG_structure_type:
  case dwarf::DW_TAG_class_type:
  case dwarf::DW_TAG_union_type: {
    SourceType described = plain(SourceType::Kind::Structure, type.getSizeInBits());
    add_members(type, described);
    return described;
  }
  default: return {};
  }
}

/// One of several dimensions is an array of arrays.
SourceType SourceTypes::describe_array(const DICompositeType &type) {
  SourceTypeId element = add_whole(type.getBaseType());
  SourceType described;
  const DINodeArray ranges = type.getElements();
  for (unsigned i = ranges.size(); i-- > 0;) {
    const auto *range = dyn_cast_or_null<DISubrange>(ranges[i]);
    const auto *count = range ? dyn_cast_if_present<ConstantInt *>(range->getCount()) : nullptr;
    if (!count || count->isNegative() || types_[element].bits == 0) {
      described = {};
      described.element = i == 0 ? element : no_source_type; // of as many as there are
      return described;
    }
    described = plain(SourceType::Kind::Array, count->getZExtValue() * types_[element].bits);
    described.element = element;
    described.count = count->getZExtValue();
    if (i != 0) {
      described.tag = dwarf::DW_TAG_array_type;
      types_.push_back(described);
      element = SourceTypeId(types_.size() - 1);
    }
  }
  return described;
}

void SourceTypes::add_members(const DICompositeType &type, SourceType &described) {
  for (const DINode *element : type.getElements()) {
    const auto *member = dyn_cast_or_null<DIDerivedType>(element);
    if (!member || member->isStaticMember() || member->isVirtual() ||
        (member->getTag() != dwarf::DW_TAG_member && member->getTag() != dwarf::DW_TAG_inheritance))
      continue;
    SourceType::Member &added = described.members.emplace_back();
    added.name =
        member->getTag() == dwarf::DW_TAG_inheritance ? name_of(member->getBaseType()) : member->getName().str();
    added.type = add_whole(member->getBaseType());
    added.bit_offset = member->getOffsetInBits();
    added.bits = member->isBitField() ? member->getSizeInBits() : 0;
    added.is_base = member->getTag() == dwarf::DW_TAG_inheritance;
  }
}

std::string type_key(SourceTypeId id, function_ref<const SourceType &(SourceTypeId)> type_of) {
  const SourceType &type = type_of(id);
  std::string key = fmt::format("{} {} {}", unsigned(type.kind), type.bits, type.name);
  for (const SourceType::Member &member : type.members)
    key += fmt::format("; {} {} {} ({})", member.name, member.bit_offset, member.bits, type_key(member.type, type_of));
  for (const auto &[value, name] : type.enumerators)
    key += fmt::format("; {} {}", value, name);
  if (type.kind == SourceType::Kind::Enumeration)
    key += type.is_signed ? " signed" : " unsigned";
  if (type.kind == SourceType::Kind::Array)
    key += fmt::format("[{}] ({})", type.count, type_key(type.element, type_of));
  return key;
}

} // namespace osr
