// The object stack: where values wait on their way from a stub into a continuation, in state buffers. Not on the thread's
// stack, because a signal handler may come in between.
#pragma once

#include "compiler/base/error.h"

#include <cstddef>
#include <cstdint>

extern "C" {
/// Top of this thread's object stack; it grows down. Compiled code and stubs reach it at
/// object_stack_tls_offset() from the thread pointer.
extern constinit thread_local char *osr_object_stack_top __attribute__((tls_model("initial-exec")));
}

namespace osr {

/// Offset of the calling thread's instance of a thread-local variable (initial-exec) from the thread pointer.
std::int64_t thread_pointer_offset(const void *variable);

/// Offset of osr_object_stack_top from the thread pointer. The same in every thread of the process.
std::int64_t object_stack_tls_offset();

/// Memory of one object stack, with a guard page below it: running off its end faults. Owns the mapping. Not
/// thread-safe; one thread at a time has it installed.
class ObjectStack {
public:
  static constexpr std::size_t default_bytes = std::size_t(1) << 30;

  /// Reserves `bytes` of address space (rounded up to pages); pages take memory when first touched. Fails when the
  /// address space is limited.
  static llvm::Expected<ObjectStack> reserve(std::size_t bytes = default_bytes);

  ObjectStack(ObjectStack &&other) noexcept;
  ObjectStack &operator=(ObjectStack &&other) noexcept;
  ~ObjectStack();

  /// Makes this the calling thread's object stack, with nothing on it.
  void install();
  /// Gives the calling thread back what it had before install(). Only in the thread that called install().
  void uninstall();

  char *base() const { return mapping_ + mapped_bytes_; } ///< one past the highest byte: the top when empty
  char *limit() const; ///< lowest usable byte

private:
  ObjectStack(char *mapping, std::size_t mapped_bytes) : mapping_(mapping), mapped_bytes_(mapped_bytes) {}

  char *mapping_ = nullptr;
  std::size_t mapped_bytes_ = 0; ///< with the guard page
  char *previous_top_ = nullptr;
  bool installed_ = false;
};

} // namespace osr
