// What the runtimes of a process share. The first of them makes it, the last one gives it back.
//
//   one for all of them                                         each has its own
//   the signal that stops threads: here                         memory, code, tables, locks, policies
//   threads and suspended stacks: process_threads()             where calls of its functions come to before they have code
//   safepoints: process_safepoints()
//   whose an address is: a RangeMap for each who asks (walks, unwinders, names, what compiled code calls)
//
// Threads stay registered while there is no runtime: they are attached to the process. Stops are made one at a time, whoever
// asks for them: the registry's lock is held meanwhile.
#pragma once

#include "runtime/process/leaf_mutex.h"

#include <llvm/Support/Error.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <memory>

namespace osr {

class SharedProcess {
public:
  struct Leave {
    void operator()(SharedProcess *process) const { process->leave(); }
  };
  using Membership = std::unique_ptr<SharedProcess, Leave>;
  /// While anybody is a member, this signal stops threads. Fails when the signal cannot be used for that, or others stop
  /// threads by another one. Thread-safe.
  static llvm::Expected<Membership> join(int signal_number);

  /// Counts stops; who stops threads sleeps on it. Only the threads' own words tell who is stopped: a thread that answers a
  /// request which was given up counts too.
  static std::atomic<std::uint32_t> &stop_events();

private:
  SharedProcess() = default;
  llvm::Error install(int signal_number) OSR_REQUIRES(mutex_);
  void leave();

  LeafMutex mutex_;
  unsigned members_ OSR_GUARDED_BY(mutex_) = 0;
  int signal_number_ OSR_GUARDED_BY(mutex_) = 0;
  struct sigaction previous_ OSR_GUARDED_BY(mutex_) {};
};

} // namespace osr
