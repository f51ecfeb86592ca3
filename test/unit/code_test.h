// Shared by the tests of runtime/code.
#pragma once

#include "runtime/code/code_session.h"
#include "test/support/catch_header.h"

#include <llvm/Support/Error.h>

#include <string>

namespace osr::test {

/// The value, or a failed test with the error's text.
template <typename T> T value_of(llvm::Expected<T> expected) {
  if (!expected)
    FAIL(llvm::toString(expected.takeError()));
  return std::move(*expected);
}

inline void check_success(llvm::Error error) {
  if (error)
    FAIL(llvm::toString(std::move(error)));
}

template <typename T> std::string error_of(llvm::Expected<T> expected) {
  if (expected)
    FAIL("no error");
  return llvm::toString(expected.takeError());
}

/// An arena and a session on it.
struct Session {
  std::unique_ptr<SlabArena> arena = value_of(SlabArena::create());
  std::unique_ptr<CodeSession> session = value_of(CodeSession::create(*arena));
  CodeSession *operator->() const { return session.get(); }
};

template <typename F> F *function_at(std::uint64_t address) { return reinterpret_cast<F *>(address); }

} // namespace osr::test
