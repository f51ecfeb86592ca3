// What is done around each fork of this process, however it is made.
//
// fork() calls handlers (pthread_atfork), also those of the program. _Fork, clone and the system calls behind them call none: a
// program says by them that it wants none of its own to be called. Ours have to be called all the same.
#pragma once

#include <cstdint>

namespace osr {

enum class ForkSide : std::uint8_t { Parent, Child };

struct ForkHandlers {
  void (*before)();
  void (*after)(ForkSide side);
};

/// From now on `handlers` are called around forks: `before` in the thread that forks, those that came last first; `after` on both
/// sides, in the other order. For ever. Returns 0, or the number of an error. Thread-safe.
int add_fork_handlers(const ForkHandlers &handlers);

/// Around a fork that is not made by fork(). In the thread that makes it, and in its child. Async-signal-safe as far as the
/// handlers are.
void before_raw_fork();
void after_raw_fork(ForkSide side);

/// The C library has not been told that this process is such a child: locks of its own may be held there for ever by threads that
/// do not exist, such as those by which threads are made. So the runtime makes no threads here.
bool is_raw_child();

} // namespace osr
