// Requests that run in the background: one thread, in the order in which they came.
#pragma once

#include "runtime/requests/requests.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace osr {

/// A request that somebody may wait for. Thread-safe. Example:
///
///     std::shared_ptr<PendingRequest> request = runtime->request("hot", {.to = Tier::Optimized});
///     ...
///     ReplaceOutcome outcome = cantFail(request->wait());
class PendingRequest {
public:
  using Work = std::function<llvm::Expected<ReplaceOutcome>(const std::atomic<bool> &is_cancelled)>;
  explicit PendingRequest(Work work) : work_(std::move(work)) {}

  /// The request ends with an error and changes nothing, unless frames were written already; then it ends as usual.
  void cancel() { is_cancelled_ = true; }
  bool is_done() const;
  /// The outcome; the same each time.
  llvm::Expected<ReplaceOutcome> wait();

private:
  friend class RequestQueue;
  void run();

  Work work_;
  std::atomic<bool> is_cancelled_ = false;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<ReplaceOutcome> outcome_; ///< success
  std::optional<std::string> error_;      ///< failure
};

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
