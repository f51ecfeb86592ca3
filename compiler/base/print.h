// LLVM's types and values as text, for messages.
#pragma once

#include <llvm/Support/raw_ostream.h>

#include <string>

namespace osr {

template <typename T> std::string print(const T &value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

} // namespace osr
