// Bytes of a variable as JSON, by its type.
#pragma once

#include "compiler/sites/source_types.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <nlohmann/json.hpp>

namespace osr {

/// Numbers and truth values are JSON's; addresses a text in hexadecimal, names of an enumeration and what JSON has no number for
/// texts; structures objects, arrays lists of at most `most_elements`. What is not known, or of a type that is not shown, is null.
class SourceValues {
public:
  using TypeOf = llvm::function_ref<const SourceType &(SourceTypeId)>;
  /// `known`: for each byte.
  SourceValues(TypeOf type_of, llvm::ArrayRef<std::uint8_t> bytes, const llvm::BitVector &known)
      : type_of_(type_of), bytes_(bytes), known_(known) {}

  nlohmann::json show(SourceTypeId type) const { return show(type_of_(type), 0, 0); }

  static constexpr std::size_t most_elements = 64;

private:
  nlohmann::json show(const SourceType &type, std::uint64_t bit_offset, unsigned bits) const;
  nlohmann::json show_structure(const SourceType &type, std::uint64_t bit_offset) const;
  nlohmann::json show_array(const SourceType &type, std::uint64_t bit_offset) const;
  nlohmann::json show_float(const SourceType &type, std::uint64_t bit_offset) const;
  std::optional<std::uint64_t> read(std::uint64_t bit_offset, std::uint64_t bits) const;
  bool is_known(std::uint64_t bit_offset, std::uint64_t bits) const;

  TypeOf type_of_;
  llvm::ArrayRef<std::uint8_t> bytes_;
  const llvm::BitVector &known_;
};

} // namespace osr
