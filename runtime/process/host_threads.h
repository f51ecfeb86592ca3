// Threads of this process that are not the program's.
#pragma once

#include <csignal>

namespace osr {

/// While one exists, threads that this thread makes are the host's own: they are not registered, and begin with all
/// signals blocked. A handler of the program must not run in a thread that is not registered.
class HostThreads {
public:
  HostThreads();
  ~HostThreads();
  HostThreads(const HostThreads &) = delete;
  HostThreads &operator=(const HostThreads &) = delete;

  /// The calling thread has some.
  static bool exist();

private:
  sigset_t mask_;
};

/// All but the one that stops threads, in the calling thread. The mask as it was, without that one.
sigset_t block_signals();

} // namespace osr
