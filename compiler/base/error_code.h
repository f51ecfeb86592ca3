// Errors of a kind that hosts may act on (osr/error.h).
#pragma once

#include "compiler/base/error.h"
#include "osr/error.h"

#include <string>
#include <utility>

namespace osr {

/// make_error, with a code.
template <typename... Args> llvm::Error make_error(ErrorCode code, fmt::format_string<Args...> text, Args &&...args) {
  return llvm::createStringError(std::error_code(code), "%s", fmt::format(text, std::forward<Args>(args)...).c_str());
}

/// The same error with a longer text: `prefix`, and what it said.
inline llvm::Error prefixed(const std::string &prefix, llvm::Error error) {
  const ErrorCode code = code_of(error);
  return make_error(code, "{}{}", prefix, toString(std::move(error)));
}

} // namespace osr
