// Types of a source program, as far as showing a variable's bytes needs them. Plain data.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLFunctionalExtras.h>

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class DICompositeType;
class DIDerivedType;
class DIType;
} // namespace llvm

namespace osr {

using SourceTypeId = std::uint32_t; ///< index of one of all

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
  };

  Kind kind = Kind::Other;
  std::string name; ///< as in the source, without the names that stand for it
  std::uint64_t bits = 0;
  std::vector<Member> members;
  std::vector<std::pair<std::int64_t, std::string>> enumerators;
  bool is_signed = false; ///< an enumeration
  SourceTypeId element = 0; ///< of an array
  std::uint64_t count = 0; ///< likewise
};

/// Each type once.
class SourceTypes {
public:
  SourceTypeId add(const llvm::DIType *type);
  const SourceType &operator[](SourceTypeId type) const { return types_[type]; }
  std::vector<SourceType> take() { return std::move(types_); }

private:
  SourceType describe(const llvm::DIType &type);
  SourceType describe(const llvm::DIDerivedType &type);
  SourceType describe(const llvm::DICompositeType &type);
  SourceType describe_array(const llvm::DICompositeType &type);
  void add_members(const llvm::DICompositeType &type, SourceType &described);

  std::vector<SourceType> types_;
  llvm::DenseMap<const llvm::DIType *, SourceTypeId> known_;
};

/// A text that is equal for types that are equal; `type_of` is of all types that this one is made of.
std::string type_key(SourceTypeId type, llvm::function_ref<const SourceType &(SourceTypeId)> type_of);

} // namespace osr
