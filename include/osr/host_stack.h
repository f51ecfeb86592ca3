// Stacks that the host changes to and from by itself.
#pragma once

#include "osr/fiber.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <cstddef>
#include <memory>

namespace osr {

struct HostStackState;

/// A stack for which the host has its own code that changes to it: a library of coroutines, an assembly of its own, swapcontext.
/// The host says each change before it makes it; then requests and collectors see what waits on such stacks like what waits on
/// those of threads, and the runtime need not know what the host's code saves and where. Hosts without such code take Fiber.
/// Example, with a coroutine of the host's that has its stack at [low, low + bytes):
///
///     auto thread = cantFail(ThreadAttachment::attach());
///     auto main = cantFail(HostStack::of_this_thread());
///     auto stack = cantFail(HostStack::at(low, bytes));
///     cantFail(main->change_to(*stack, [&] { coroutine.resume(); })); // returns when somebody has changed back
///
/// and as the first thing that the coroutine does on its stack:
///
///     cantFail(stack->begin([&] { count(10); })); // a function of the program, which calls one of the host that calls
///                                                 // stack->change_to(*main, [&] { coroutine.yield(); })
///
/// While the host's code changes stacks, between the two sides, it uses no runtime and waits for nothing: all runtimes wait for
/// it. As with Fiber: not under a shadow stack; a stack may go on in another thread, except that of a thread.
class HostStack {
public:
  /// Of each stack. Stubs and handlers of signals need half of it.
  static constexpr std::size_t least_stack = Fiber::least_stack;

  /// In an attached thread, which is on its own stack: that, while this object lives. It belongs to the thread. The error says that the
  /// thread is not attached, or has one already, or runs a Fiber.
  static llvm::Expected<std::unique_ptr<HostStack>> of_this_thread();
  /// Memory of the host's, which has to stay as long as this object, and holds nothing yet. The error says that it is too small, or cannot
  /// be memory.
  static llvm::Expected<std::unique_ptr<HostStack>> at(void *low, std::size_t bytes);
  /// What waits on it is given up: nothing of it returns, and no destructor runs. Of one on which a thread runs, the object goes,
  /// and what is there is not known from here on.
  ~HostStack();
  HostStack(const HostStack &) = delete;
  HostStack &operator=(const HostStack &) = delete;

  /// On this stack: it is left for `to` by what `change` does, and this returns when it is come back to, perhaps in another thread.
  /// Errors that come at once, and then nothing was called: that this thread is not on this stack, or runs a Fiber on it, that `to` is
  /// not waiting, or is the stack of another thread. Errors that come when control is back here: that `change` did not change to `to`, or that somebody
  /// came back without saying so. In the first case the runtime knows what is where. In the second one it does not know how the other stack
  /// was left: as long as that waits, requests and safepoints that would have to look at it are refused, and say so.
  llvm::Error change_to(HostStack &to, llvm::function_ref<void()> change);
  /// The first thing on a stack that was changed to when nothing was on it: calls `work`, which may call functions of the program, and
  /// returns when it is done, or lets out what it throws. Then a change_to that does not return leaves
  /// this stack, which may be changed to and begun again. The error says that this is another stack, that nobody has changed to this
  /// one, or that something is on it; then `work` was not called.
  llvm::Error begin(llvm::function_ref<void()> work);

private:
  explicit HostStack(std::unique_ptr<HostStackState> state);
  std::unique_ptr<HostStackState> state_;
};

} // namespace osr
