#include "runtime/requests/request_queue.h"

#include "compiler/base/error_code.h"

using namespace llvm;

namespace osr {

struct PendingRequest::Answer {
  Mutex mutex;
  Condition ended;
  bool is_there OSR_GUARDED_BY(mutex) = false;
  ReplaceOutcome outcome OSR_GUARDED_BY(mutex);
  std::optional<std::string> failure OSR_GUARDED_BY(mutex);
  ErrorCode code OSR_GUARDED_BY(mutex) = ErrorCode::Refused; ///< of the failure
};

PendingRequest::PendingRequest(Work work) : work_(std::move(work)), answer_(std::make_unique<Answer>()) {}

PendingRequest::~PendingRequest() = default;

bool PendingRequest::is_done() const {
  Lock lock(answer_->mutex);
  return answer_->is_there;
}

Expected<ReplaceOutcome> PendingRequest::wait() {
  Lock lock(answer_->mutex);
  while (!answer_->is_there)
    answer_->ended.wait(lock);
  if (answer_->failure)
    return make_error(answer_->code, "{}", *answer_->failure);
  return answer_->outcome;
}

void PendingRequest::run() {
  auto outcome = work_(is_cancelled_);
  Lock lock(answer_->mutex);
  if (outcome) {
    answer_->outcome = std::move(*outcome);
  } else {
    Error error = outcome.takeError();
    answer_->code = code_of(error);
    answer_->failure = toString(std::move(error));
  }
  answer_->is_there = true;
  answer_->ended.notify_all();
}

/// A thread that does not exist here may have the lock of the old answer.
OSR_UNCHECKED_LOCKS void PendingRequest::end_in_child() {
  if (answer_->is_there)
    return;
  (void)answer_.release();
  answer_ = std::make_unique<Answer>();
  answer_->code = ErrorCode::Cancelled;
  answer_->failure = "the request was under way when the process forked: it goes on in the parent";
  answer_->is_there = true;
}

RequestQueue::RequestQueue()
    : thread_({.name = "osr request", .at_end = WorkerThreads::AtEnd::Finish}, // somebody waits for the answer
              [this]() OSR_REQUIRES(thread_.mutex()) { return next(); }) {}

RequestQueue::~RequestQueue() { end_by({}); }

bool RequestQueue::end_by(std::chrono::steady_clock::time_point when) {
  {
    Lock lock(thread_.mutex());
    for (const auto &request : waiting_)
      request->cancel();
    if (current_)
      current_->cancel();
  }
  return thread_.end_by(when);
}

std::shared_ptr<PendingRequest> RequestQueue::add(PendingRequest::Work work) {
  auto request = std::make_shared<PendingRequest>(std::move(work));
  {
    Lock lock(thread_.mutex());
    if (thread_.is_ending()) {
      request->cancel();
    } else if (thread_.start()) {
      waiting_.push_back(request);
      thread_.notify();
      return request;
    }
  }
  request->run();
  return request;
}

OSR_UNCHECKED_LOCKS void RequestQueue::before_fork() { thread_.mutex().lock(); }

OSR_UNCHECKED_LOCKS void RequestQueue::after_fork(bool is_child) {
  if (is_child) {
    for (const auto &request : waiting_)
      request->end_in_child();
    if (current_)
      current_->end_in_child();
  }
  thread_.mutex().unlock();
}

WorkerThreads::Next RequestQueue::next() {
  if (waiting_.empty())
    return {};
  current_ = std::move(waiting_.front());
  waiting_.pop_front();
  return {.work = [request = current_] { request->run(); }};
}

} // namespace osr
