// Files of the runtime's own, out of the program's reach.
//
// A process has one table of descriptors, and it is the program's: it may close any number, and the next file that it
// opens gets the lowest that is free. A number that the runtime remembered is then a file of the program. So what stays
// open (timelines, dumps for perf) is opened and written by a thread that has a table of its own, with nothing of the
// program's in it, and neither can touch the other's.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <sys/types.h>
#include <thread>

namespace osr {

/// Thread-safe. In the child of a fork there is no such thread, and nothing is done.
class FileThread {
public:
  /// `name`, of at most 15 letters, is for debuggers. All signals are blocked in the thread. Fails if the kernel gives it
  /// no table of its own. Inside of a program the caller holds HostThreads, so that the thread is not the program's.
  static llvm::Expected<std::unique_ptr<FileThread>> start(const char *name);
  /// Does first what was posted.
  ~FileThread();

  /// Does it soon, after what was posted before.
  void post(std::function<void()> work);
  /// The same, and waits until it is done.
  void run(llvm::function_ref<void()> work);

private:
  FileThread() = default;
  void serve();

  pid_t process_ = 0;
  std::mutex mutex_; ///< of all below
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
  bool is_ending_ = false;
  std::thread thread_;
};

/// All bytes, in as few calls as possible: a process that is killed leaves whole lines. False if they could not be written.
bool write_all(int file, llvm::StringRef bytes);

} // namespace osr
