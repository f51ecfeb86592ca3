#include "runtime/code/debug_types.h"

#include <llvm/BinaryFormat/Dwarf.h>

using namespace llvm;

namespace osr {
namespace {

dwarf::Tag tag_of(const SourceType &type) { return type.tag ? dwarf::Tag(type.tag) : dwarf::DW_TAG_unspecified_type; }

/// It has parts of its own, which may be left out.
bool has_members(const SourceType &type) {
  return type.tag == dwarf::DW_TAG_structure_type || type.tag == dwarf::DW_TAG_class_type ||
         type.tag == dwarf::DW_TAG_union_type;
}

} // namespace

bool DebugTypes::has_values(const SourceType &type) {
  if (type.bits == 0 || type.bits % 8 != 0 || type.tag == 0)
    return false;
  return type.kind != SourceType::Kind::Other || type.tag == dwarf::DW_TAG_base_type;
}

void DebugTypes::set_type(DIE &entry, Type type) { entries_.refer(entry, dwarf::DW_AT_type, entry_of(type)); }

void DebugTypes::finish() {
  while (!later_.empty()) {
    const auto [type, entry] = later_.front();
    later_.pop_front();
    if (has_members(at(type)) && known_.size() > most_types) {
      entries_.set_name(*entry, dwarf::DW_AT_name, at(type).declared_name);
      entries_.set_flag(*entry, dwarf::DW_AT_declaration);
    } else {
      describe(type, *entry);
    }
  }
}

/// What a type has in itself is described before what it points to.
DIE &DebugTypes::entry_of(Type type) {
  const auto [known, is_new] = known_.try_emplace(type, nullptr);
  if (!is_new)
    return *known->second;
  DIE &entry = entries_.add(entries_.unit(), tag_of(at(type)));
  known->second = &entry;
  describe(type, entry);
  return entry;
}

void DebugTypes::set_target(DIE &entry, Type type) {
  if (type.second == no_source_type)
    return;
  const auto [known, is_new] = known_.try_emplace(type, nullptr);
  if (is_new) {
    known->second = &entries_.add(entries_.unit(), tag_of(at(type)));
    later_.emplace_back(type, known->second);
  }
  entries_.refer(entry, dwarf::DW_AT_type, *known->second);
}

void DebugTypes::describe(Type id, DIE &entry) {
  const SourceType &type = at(id);
  entries_.set_name(entry, dwarf::DW_AT_name, type.tag ? StringRef(type.declared_name) : "unknown type");
  switch (type.tag) {
  case dwarf::DW_TAG_base_type:
    entries_.set_number(entry, dwarf::DW_AT_encoding, type.encoding);
    return entries_.set_number(entry, dwarf::DW_AT_byte_size, type.bits / 8);
  case dwarf::DW_TAG_pointer_type:
  case dwarf::DW_TAG_reference_type:
  case dwarf::DW_TAG_rvalue_reference_type:
    entries_.set_number(entry, dwarf::DW_AT_byte_size, type.bits / 8);
    return set_target(entry, {id.first, type.target});
  case dwarf::DW_TAG_typedef:
  case dwarf::DW_TAG_const_type:
  case dwarf::DW_TAG_volatile_type:
  case dwarf::DW_TAG_restrict_type:
  case dwarf::DW_TAG_atomic_type:
    if (type.target != no_source_type)
      set_type(entry, {id.first, type.target});
    return;
  case dwarf::DW_TAG_structure_type:
  case dwarf::DW_TAG_class_type:
  case dwarf::DW_TAG_union_type: return describe_members(id, entry);
  case dwarf::DW_TAG_enumeration_type:
    entries_.set_number(entry, dwarf::DW_AT_byte_size, type.bits / 8);
    for (const auto &[value, name] : type.enumerators) {
      DIE &enumerator = entries_.add(entry, dwarf::DW_TAG_enumerator);
      entries_.set_name(enumerator, dwarf::DW_AT_name, name);
      entries_.set_signed(enumerator, dwarf::DW_AT_const_value, value);
    }
    return;
  case dwarf::DW_TAG_array_type: return describe_array(id, entry);
  case dwarf::DW_TAG_subroutine_type: return describe_function(id, entry);
  default: return;
  }
}

void DebugTypes::describe_members(Type id, DIE &entry) {
  const SourceType &type = at(id);
  if (type.is_declared_only)
    return entries_.set_flag(entry, dwarf::DW_AT_declaration);
  entries_.set_number(entry, dwarf::DW_AT_byte_size, type.bits / 8);
  for (const SourceType::Member &member : type.members) {
    DIE &described = entries_.add(entry, member.is_base ? dwarf::DW_TAG_inheritance : dwarf::DW_TAG_member);
    if (!member.is_base)
      entries_.set_name(described, dwarf::DW_AT_name, member.name);
    set_type(described, {id.first, member.type});
    if (member.bits) {
      entries_.set_number(described, dwarf::DW_AT_bit_size, member.bits);
      entries_.set_number(described, dwarf::DW_AT_data_bit_offset, member.bit_offset);
    } else {
      entries_.set_number(described, dwarf::DW_AT_data_member_location, member.bit_offset / 8);
    }
  }
}

void DebugTypes::describe_array(Type id, DIE &entry) {
  const SourceType &type = at(id);
  if (type.element != no_source_type)
    set_type(entry, {id.first, type.element});
  DIE &range = entries_.add(entry, dwarf::DW_TAG_subrange_type);
  if (type.kind == SourceType::Kind::Array)
    entries_.set_number(range, dwarf::DW_AT_count, type.count);
}

void DebugTypes::describe_function(Type id, DIE &entry) {
  const SourceType &type = at(id);
  entries_.set_flag(entry, dwarf::DW_AT_prototyped);
  set_target(entry, {id.first, type.target});
  for (const SourceTypeId parameter : type.parameters)
    set_target(entries_.add(entry, dwarf::DW_TAG_formal_parameter), {id.first, parameter});
}

} // namespace osr
