// Files of the runtime's own, out of the program's reach.
//
// A process has one table of descriptors, and it is the program's: it may close any number, and the next file that it
// opens gets the lowest that is free. A number that the runtime remembered is then a file of the program. So what stays
// open (timelines, dumps for perf) is opened and written by a thread that has a table of its own, with nothing of the
// program's in it, and neither can touch the other's.
#pragma once

#include "runtime/process/worker_threads.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <sys/types.h>

namespace osr {

/// Thread-safe. In the child of a fork there is no such thread, and nothing is done.
class FileThread {
public:
  /// `name`, of at most 15 letters, is for debuggers, and lives as long as this object. Fails if the kernel gives the thread no
  /// table of its own.
  static llvm::Expected<std::unique_ptr<FileThread>> start(const char *name);
  /// Does first what was posted.
  ~FileThread() = default;

  /// Does it soon, after what was posted before.
  void post(std::function<void()> work);
  /// The same, and waits until it is done.
  void run(llvm::function_ref<void()> work);

private:
  explicit FileThread(const char *name);
  WorkerThreads::Next next() OSR_REQUIRES(thread_.mutex());

  pid_t process_;
  std::promise<int> apart_; ///< the error's number, or 0
  std::deque<std::function<void()>> posted_ OSR_GUARDED_BY(thread_.mutex());
  WorkerThreads thread_;
};

/// All bytes, in as few calls as possible: a process that is killed leaves whole lines. False if they could not be written.
bool write_all(int file, llvm::StringRef bytes);

} // namespace osr
