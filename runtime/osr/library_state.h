// What libraries keep for a thread, and the runtime shares with the program whose calls it interrupts.
#pragma once

#include <cerrno>
#include <mutex>

namespace osr {

/// The runtime works between a call and the first instruction of the function called, where natively nothing happens:
/// the compiler's system calls set errno, and LLVM's uses of std::call_once come between the program's own, which has
/// just said what to call, and the library, which is about to call it.
class LibraryState {
public:
  LibraryState() = default;
  ~LibraryState() {
    errno = error_;
#ifdef _GLIBCXX_HAVE_TLS
    std::__once_callable = once_callable_;
    std::__once_call = once_call_;
#endif
  }
  LibraryState(const LibraryState &) = delete;
  LibraryState &operator=(const LibraryState &) = delete;

private:
  int error_ = errno;
#ifdef _GLIBCXX_HAVE_TLS
  void *once_callable_ = std::__once_callable;
  void (*once_call_)() = std::__once_call;
#endif
};

} // namespace osr
