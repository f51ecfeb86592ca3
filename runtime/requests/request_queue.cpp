#include "runtime/requests/request_queue.h"

#include "compiler/base/error.h"
#include "runtime/threads/undisturbed.h"

using namespace llvm;

namespace osr {

bool PendingRequest::is_done() const {
  std::lock_guard lock(mutex_);
  return outcome_ || error_;
}

Expected<ReplaceOutcome> PendingRequest::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return outcome_ || error_; });
  if (error_)
    return make_error("{}", *error_);
  return *outcome_;
}

void PendingRequest::run() {
  auto outcome = work_(is_cancelled_);
  std::lock_guard lock(mutex_);
  if (outcome)
    outcome_ = std::move(*outcome);
  else
    error_ = toString(outcome.takeError());
  ended_.notify_all();
}

bool RequestQueue::end_by(std::chrono::steady_clock::time_point when) {
  std::unique_lock lock(mutex_);
  is_ending_ = true;
  for (const auto &request : waiting_)
    request->cancel();
  if (current_)
    current_->cancel();
  changed_.notify_all();
  return changed_.wait_until(lock, when, [this] { return !current_ && waiting_.empty(); });
}

RequestQueue::~RequestQueue() {
  end_by({});
  if (thread_.joinable())
    thread_.join();
}

std::shared_ptr<PendingRequest> RequestQueue::add(PendingRequest::Work work) {
  auto request = std::make_shared<PendingRequest>(std::move(work));
  std::lock_guard lock(mutex_);
  waiting_.push_back(request);
  if (thread_.joinable())
    changed_.notify_one();
  else
    thread_ = start_undisturbed("osr request", [this] { run(); });
  return request;
}

void RequestQueue::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (waiting_.empty())
      return;
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    current_->run(); // also when it was cancelled: somebody waits for the answer
    lock.lock();
    current_.reset();
    if (is_ending_)
      changed_.notify_all();
  }
}

} // namespace osr
