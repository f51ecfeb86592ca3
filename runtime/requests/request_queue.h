// Requests that run in the background: one thread, in the order in which they came.
#pragma once

#include "osr/replace.h"
#include "runtime/process/worker_threads.h"

#include <deque>
#include <memory>

namespace osr {

/// Thread-safe. The destructor cancels what has not begun, and waits for what has.
class RequestQueue {
public:
  RequestQueue();
  ~RequestQueue();
  /// Where no thread can be made, or at the end, it is carried out at once, cancelled in the latter case.
  std::shared_ptr<PendingRequest> add(PendingRequest::Work work);
  /// Cancels what waits, and what has begun. False: that is not done by then.
  bool end_by(std::chrono::steady_clock::time_point when);
  /// Around a fork. In the child, where its thread does not exist, all requests end as cancelled, and nothing may be added.
  void before_fork();
  void after_fork(bool is_child);

private:
  WorkerThreads::Next next() OSR_REQUIRES(thread_.mutex());

  std::deque<std::shared_ptr<PendingRequest>> waiting_ OSR_GUARDED_BY(thread_.mutex());
  std::shared_ptr<PendingRequest> current_ OSR_GUARDED_BY(thread_.mutex()); ///< the last one that has begun
  WorkerThreads thread_; ///< from the first request on
};

} // namespace osr
