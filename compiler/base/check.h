// Assertions that stay on in release builds.
//
// OSR_CHECK guards the rules of this project (records, frames, return PCs): a broken rule is a bug of
// ours, and going on would compute a wrong answer in somebody's program, so the process stops at once.
// Bad input is never checked with it: input gets an llvm::Error that names the thing and the remedy.
#pragma once

#include <fmt/format.h>

#include <string>

namespace osr {

/// Prints `file:line: check failed: condition: message` (say() of message.h) and aborts. Thread-safe; never returns.
[[noreturn]] void check_failed(const char *file, int line, const char *condition, const std::string &message);

} // namespace osr

/// OSR_CHECK(a == b, "return PC {:#x} is not record PC {:#x}", a, b): the message shows both values.
#define OSR_CHECK(condition, ...)                                                                                      \
  do {                                                                                                                 \
    if (!(condition)) [[unlikely]]                                                                                     \
      ::osr::check_failed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__));                                 \
  } while (false)
