// Requests that run in the background: one thread, in the order in which they came.
#pragma once

#include "osr/replace.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace osr {

/// Thread-safe. The destructor cancels what has not begun, and waits for what has.
class RequestQueue {
public:
  ~RequestQueue();
  std::shared_ptr<PendingRequest> add(PendingRequest::Work work);
  /// Cancels what waits, and what has begun, and takes nothing any more. False: that is not done by then.
  bool end_by(std::chrono::steady_clock::time_point when);

private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<PendingRequest>> waiting_;
  std::shared_ptr<PendingRequest> current_;
  bool is_ending_ = false;
  std::thread thread_; ///< begins with the first request
};

} // namespace osr
