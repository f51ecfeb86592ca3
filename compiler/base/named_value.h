// Values of enumerations that come from hosts, where anything may stand that the type has room for.
#pragma once

#include "compiler/base/error_code.h"

namespace osr {

/// An error of ErrorCode::Invalid unless `value` is one of the names from the first, 0, to `last`. `what` is for people.
template <typename Enum> llvm::Error check_named(Enum value, Enum last, const char *what) {
  if (unsigned(value) <= unsigned(last))
    return llvm::Error::success();
  return make_error(ErrorCode::Invalid, "{} is {}, which is none of its values", what, unsigned(value));
}

} // namespace osr
