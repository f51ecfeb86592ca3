// Errors that a user can do something about, as llvm::Error with a formatted text.
#pragma once

#include <fmt/format.h>
#include <llvm/Support/Error.h>

#include <utility>

namespace osr {

/// An llvm::Error whose text is fmt::format(text, args...). Name the thing that is wrong and the remedy.
template <typename... Args> llvm::Error make_error(fmt::format_string<Args...> text, Args &&...args) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "%s",
                                 fmt::format(text, std::forward<Args>(args)...).c_str());
}

} // namespace osr
