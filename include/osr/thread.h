// Threads of the host that call functions of the program.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <utility>

namespace osr {

/// While it exists, the calling thread may call functions of the program, of all runtimes in the process, is stopped with all others, and
/// its activations are replaced like theirs. May be nested; only the outermost one counts. Belongs to the thread that made it: in
/// another one, call() and run() attach that for the time of the call, and what cannot be called for lack of memory returns 0 and is said
/// (Options::message). If the outermost one goes while an activation of the program is on the thread's stack, the thread stays
/// attached until it ends, and that is said. Example:
///
///     auto thread = cantFail(ThreadAttachment::attach());
///     std::uint64_t sum = thread.call(runtime->address_of("add"), 2, 3);
class ThreadAttachment {
public:
  /// Fails when there is no memory for what the thread needs: 256 MiB of address space, of which hardly any is touched.
  static llvm::Expected<ThreadAttachment> attach();
  ~ThreadAttachment();
  ThreadAttachment(ThreadAttachment &&other) noexcept : is_outermost_(std::exchange(other.is_outermost_, false)) {}
  ThreadAttachment &operator=(ThreadAttachment &&) = delete;

  /// Calls the function at this address of the program (Runtime::address_of), which takes up to three integers or pointers
  /// and returns one, or nothing. An exception may pass, and a function of the
  /// host that the program has called may leave it by longjmp, to where the host called.
  std::uint64_t call(std::uint64_t address, std::uint64_t first = 0, std::uint64_t second = 0, std::uint64_t third = 0);

  /// Calls `work`, which may call functions of the program as often as it wants, by pointers of their own types.
  void run(llvm::function_ref<void()> work) {
    call(reinterpret_cast<std::uint64_t>(+[](llvm::function_ref<void()> *inner) { (*inner)(); }),
         reinterpret_cast<std::uint64_t>(&work));
  }

private:
  explicit ThreadAttachment(bool is_outermost) : is_outermost_(is_outermost) {}

  bool is_outermost_;
};

/// While one exists, the calling thread is in the host, in a function that the program has called: it waits for
/// something, or works for long, touches no reference of the program, and calls its functions by ThreadAttachment::call or run, and not by their
/// addresses. Safepoints do not wait for it (osr/safepoint.h), and its activations are replaced without a signal to it; the end of this
/// object waits for what is under way. It is not to be left by longjmp. In an attached thread; elsewhere, and nested, without effect.
class AwayFromProgram {
public:
  AwayFromProgram();
  ~AwayFromProgram();
  AwayFromProgram(const AwayFromProgram &) = delete;
  AwayFromProgram &operator=(const AwayFromProgram &) = delete;

private:
  bool has_left_ = false, stays_ = false;
};

/// While one exists, the calling thread counts as one that runs the program, although it is in the host: a safepoint
/// waits until it polls, calls, or goes away. For interpreters of the host's that hold references, and before one is
/// handed to ThreadAttachment::call or Runtime::enter_at: between the moment when it is read and the call nothing may
/// move. In an attached thread; elsewhere, and nested, without effect.
class InProgram {
public:
  InProgram();
  ~InProgram();
  InProgram(const InProgram &) = delete;
  InProgram &operator=(const InProgram &) = delete;

  /// Here a collector may work: what the host holds in its own frames is its own to find.
  static void poll();

private:
  bool has_come_ = false;
};

} // namespace osr
