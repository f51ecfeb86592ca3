// Threads of the host that call functions of the program.
#pragma once

#include <llvm/Support/Error.h>

#include <cstdint>
#include <utility>

namespace osr {

/// While it exists, the calling thread may call functions of the program, is stopped with all others, and its activations
/// are replaced like theirs. May be nested; only the outermost one counts. Belongs to the thread that made it; no
/// activation of the program may be left on its stack when the outermost one goes. Example:
///
///     auto thread = cantFail(ThreadAttachment::attach());
///     std::uint64_t sum = thread.call(runtime->address_of("add"), 2, 3);
class ThreadAttachment {
public:
  /// Fails when there is no memory for what the thread needs.
  static llvm::Expected<ThreadAttachment> attach();
  ~ThreadAttachment();
  ThreadAttachment(ThreadAttachment &&other) noexcept : is_outermost_(std::exchange(other.is_outermost_, false)) {}
  ThreadAttachment &operator=(ThreadAttachment &&) = delete;

  /// Calls the function at this address of the program (Runtime::address_of), which takes up to three integers or pointers
  /// and returns one, or nothing. An exception may pass.
  std::uint64_t call(std::uint64_t address, std::uint64_t first = 0, std::uint64_t second = 0, std::uint64_t third = 0);

private:
  explicit ThreadAttachment(bool is_outermost) : is_outermost_(is_outermost) {}

  bool is_outermost_;
};

} // namespace osr
