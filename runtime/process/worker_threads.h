// The one class of threads in which the runtime works for itself: compiles, requests, freeing, sampling, files,
// clients.
#pragma once

#include "compiler/base/mutex.h"

#include <llvm/ADT/FunctionExtras.h>

#include <chrono>
#include <functional>
#include <memory>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace osr {

/// Takes one piece of work after the other from its owner, who keeps what waits, under mutex(). All signals of the
/// program are blocked in the threads. Thread-safe. In the child of a fork the threads do not exist: nothing but the
/// destructor may be called there.
class WorkerThreads {
public:
  using Clock = std::chrono::steady_clock;
  struct Next {
    llvm::unique_function<void()> work; ///< called without the mutex; null: there is none
    Clock::time_point look_again = Clock::time_point::max(); ///< when there may be some, without notify()
  };
  /// What becomes of what waits at the end.
  enum class AtEnd : std::uint8_t { Drop, Finish };
  struct Options {
    const char *name; ///< for debuggers and traces, of at most 15 letters; lives as long as this object
    unsigned threads = 1;
    AtEnd at_end = AtEnd::Drop;
    std::function<void()> first = {}, last = {}; ///< what each thread does before and after its work
  };

  /// `next`, called with the mutex, takes away what it returns.
  WorkerThreads(Options options, std::function<Next()> next) : options_(std::move(options)), next_(std::move(next)) {}
  /// Waits for what has begun.
  ~WorkerThreads();

  Mutex &mutex() const OSR_RETURNS_MUTEX(mutex_) { return mutex_; }

  /// Before the first notify(), which does it otherwise. False: the machine has no threads left.
  bool start() OSR_REQUIRES(mutex_);
  /// There may be something to do. False: there is no thread that could do it.
  bool notify() OSR_REQUIRES(mutex_);
  /// From here on nothing is begun, but for what waits if that is finished; notify() is without effect. True: what had
  /// begun was done by then.
  bool end_by(Clock::time_point when) OSR_EXCLUDES(mutex_);
  bool is_ending() const OSR_REQUIRES(mutex_) { return is_ending_; }
  /// Pieces of work that have begun.
  unsigned begun() const OSR_REQUIRES(mutex_) { return begun_; }

private:
  void run();

  Options options_;
  std::function<Next()> next_;
  mutable Mutex mutex_;
  /// In the child of a fork it is left alone: its end would wait for threads that wait in it, and that are not there.
  std::unique_ptr<Condition> changed_ = std::make_unique<Condition>();
  bool is_ending_ OSR_GUARDED_BY(mutex_) = false;
  unsigned begun_ OSR_GUARDED_BY(mutex_) = 0, left_ OSR_GUARDED_BY(mutex_) = 0; ///< threads that ended
  pid_t process_ OSR_GUARDED_BY(mutex_) = 0; ///< that the threads are of
  std::vector<std::thread>
      threads_ OSR_GUARDED_BY(mutex_); ///< the destructor joins them without: nobody starts any then
};

} // namespace osr
