// Stacks that a thread changes to and from.
#pragma once

#include <llvm/Support/Error.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace osr {

struct FiberState;

/// A stack of its own on which functions of the program run until they suspend it: a coroutine, a green thread, a
/// generator. Requests and collectors see the activations on it as those on stacks of threads, also while no thread runs
/// it. Example:
///
///     auto thread = cantFail(ThreadAttachment::attach());
///     auto fiber = cantFail(Fiber::create([&] { count(10); })); // a function of the program, which calls one of the host that
///     while (cantFail(fiber->resume()))                         // calls Fiber::suspend()
///       use(what_it_left);
///
/// Not under a shadow stack. A fiber is run by one thread at a time, which may be another one each time: then functions
/// of the program must not keep addresses of thread-local variables across.
class Fiber {
public:
  /// Of address space; pages take memory when they are first touched. Stubs and handlers of signals need 64 KiB of it.
  static constexpr std::size_t least_stack = std::size_t(128) << 10, usual_stack = std::size_t(256) << 10;

  /// `work` will be run on a stack of so many bytes (rounded up to pages, at least `least_stack`), with a guard below. Fails when
  /// there is no memory.
  static llvm::Expected<std::unique_ptr<Fiber>> create(std::function<void()> work,
                                                       std::size_t stack_bytes = usual_stack);
  /// If it is suspended, what is on its stack is given up: nothing of it returns, and no destructor runs. The stack of
  /// one that runs stays.
  ~Fiber();
  Fiber(const Fiber &) = delete;
  Fiber &operator=(const Fiber &) = delete;

  /// In an attached thread: runs it until it suspends itself (true) or its work is done (false). Throws what leaves its
  /// work. May be called in a fiber, of another one. The error says that the thread is not attached, or the fiber done,
  /// or running.
  llvm::Expected<bool> resume();
  /// In a fiber: resume() returns in whoever has called it. The error says that this thread runs none.
  static llvm::Error suspend();
  /// The fiber that runs in this thread; null: none.
  static Fiber *current();

  bool is_done() const;

private:
  explicit Fiber(std::unique_ptr<FiberState> state);
  std::unique_ptr<FiberState> state_;
};

} // namespace osr
