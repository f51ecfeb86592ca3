// Types of a source program, as far as showing a variable's bytes needs them, and what debuggers are told of them. Plain data.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLFunctionalExtras.h>

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class DIBasicType;
class DICompositeType;
class DIDerivedType;
class DISubroutineType;
class DIType;
} // namespace llvm

namespace osr {

using SourceTypeId = std::uint32_t; ///< index of one of all
inline constexpr SourceTypeId no_source_type = ~SourceTypeId(0);

struct SourceType {
  enum class Kind : std::uint8_t {
    Signed,
    Unsigned,
    Boolean,
    Character, ///< of one byte, signed
    UnsignedCharacter,
    Float,
    Pointer, ///< references too
    Enumeration,
    Structure, ///< unions and classes too
    Array,
    Other, ///< is not shown
  };
  struct Member {
    std::string name;
    SourceTypeId type = 0;
    std::uint64_t bit_offset = 0;
    std::uint64_t bits = 0; ///< of a bit field; 0: all of its type
    bool is_base = false; ///< a class that it is derived from
  };

  Kind kind = Kind::Other;
  std::string name; ///< as in the source, without the names that stand for it
  std::uint64_t bits = 0;
  std::vector<Member> members;
  std::vector<std::pair<std::int64_t, std::string>> enumerators;
  bool is_signed = false; ///< an enumeration
  SourceTypeId element = 0; ///< of an array
  std::uint64_t count = 0; ///< likewise

  // For debuggers:
  std::uint16_t tag = 0; ///< DWARF's, also of names that stand for a type; 0: they are told nothing of it
  std::uint8_t encoding = 0; ///< DWARF's, of a basic type
  bool is_declared_only = false;
  std::string declared_name; ///< with its scopes; "": it has none
  /// What a pointer points to, a name or a qualifier is of, a function returns; no_source_type: nothing, or nothing known.
  SourceTypeId target = no_source_type;
  std::vector<SourceTypeId> parameters; ///< of a function
};

/// Each type once.
class SourceTypes {
public:
  SourceTypeId add(const llvm::DIType *type);
  const SourceType &operator[](SourceTypeId type) const { return types_[type]; }
  std::vector<SourceType> take() { return std::move(types_); }

private:
  SourceTypeId add_whole(const llvm::DIType *type);
  void follow_pointers();
  SourceType describe(const llvm::DIType &type);
  SourceType describe_basic(const llvm::DIBasicType &type);
  SourceType describe(const llvm::DIDerivedType &type);
  SourceType describe(const llvm::DICompositeType &type);
  SourceType describe_array(const llvm::DICompositeType &type);
  void add_members(const llvm::DICompositeType &type, SourceType &described);

  std::vector<SourceType> types_;
  llvm::DenseMap<const llvm::DIType *, SourceTypeId> known_;
  /// Pointers and functions are followed last: types that hold pointers to themselves are complete by then.
  std::vector<std::pair<SourceTypeId, const llvm::DIType *>> to_follow_;
};

/// A text that is equal for types that are equal; `type_of` is of all types that this one is made of.
std::string type_key(SourceTypeId type, llvm::function_ref<const SourceType &(SourceTypeId)> type_of);

} // namespace osr
