// What the files of the C interface share.
#pragma once

#include "compiler/base/error_code.h"
#include "osr-c/osr.h"
#include "osr/runtime.h"

#include <cstring>

struct osr_runtime {
  std::unique_ptr<osr::Runtime> runtime;
};
struct osr_cache {
  std::shared_ptr<osr::MemoryCompileCache> cache;
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

/// Of code: OSR_TIER_AUTO is none.
inline llvm::Expected<Tier> tier_of(osr_tier tier) {
  switch (tier) {
  case OSR_TIER_BASELINE: return Tier::Baseline;
  case OSR_TIER_OPTIMIZED: return Tier::Optimized;
  case OSR_TIER_AUTO: break;
  }
  return make_error(ErrorCode::Invalid, "tier {} is not one that activations can be at", unsigned(tier));
}

/// A structure of C, whose first member is its size, of this version or an earlier one, which ended behind `first_size`.
template <typename Structure>
llvm::Expected<Structure> structure_from(const Structure &given, std::size_t first_size, const char *name) {
  if (given.size < first_size || given.size > sizeof(Structure))
    return make_error(ErrorCode::Invalid, "{} has an unknown size: set it to sizeof({})", name, name);
  Structure chosen{};
  std::memcpy(&chosen, &given, given.size);
  return chosen;
}

} // namespace osr
