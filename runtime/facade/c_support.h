// What the files of the C interface share.
#pragma once

#include "osr-c/osr.h"
#include "osr/error.h"
#include "osr/runtime.h"

#include <cstring>

struct osr_runtime {
  std::unique_ptr<osr::Runtime> runtime;
};

namespace osr {

/// To be freed by osr_free_message. In front of the text is the code of the error, if it is one.
char *copy_message(llvm::StringRef text, int code = 0);
/// The same; null: there is no error.
inline char *message_of(llvm::Error error) {
  if (!error)
    return nullptr;
  const ErrorCode code = code_of(error);
  return copy_message(toString(std::move(error)), int(code));
}

template <typename Value, typename Result> char *give(llvm::Expected<Value> value, Result *result) {
  if (!value)
    return message_of(value.takeError());
  if (result)
    *result = *value;
  return nullptr;
}

inline Tier tier_of(osr_tier tier) { return tier == OSR_TIER_BASELINE ? Tier::Baseline : Tier::Optimized; }

/// A structure of C, whose first member is its size, of this version or an earlier one, which ended behind `first_size`.
template <typename Structure>
llvm::Expected<Structure> structure_from(const Structure &given, std::size_t first_size, const char *name) {
  if (given.size < first_size || given.size > sizeof(Structure))
    return llvm::createStringError("%s has an unknown size: set it to sizeof(%s)", name, name);
  Structure chosen{};
  std::memcpy(&chosen, &given, given.size);
  return chosen;
}

} // namespace osr
