#include "runtime/control/client.h"

#include "runtime/threads/undisturbed.h"

#include <new>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_untold = 1000; ///< lines that the server has not taken yet

} // namespace

ControlWorker::~ControlWorker() {
  end();
  if (thread_.joinable())
    thread_.join();
}

bool ControlWorker::add(RpcRequest request, const Method &method) {
  std::lock_guard lock(mutex_);
  if (works_.size() >= ControlServer::most_waiting)
    return false;
  auto work = std::make_unique<Work>();
  work->request = std::move(request);
  work->method = &method;
  works_.push_back(std::move(work));
  if (!thread_.joinable())
    thread_ = start_undisturbed("osr client", [this] { run(); });
  changed_.notify_one();
  return true;
}

bool ControlWorker::cancel(const nlohmann::json &id) {
  std::lock_guard lock(mutex_);
  bool found = false;
  for (const auto &work : works_)
    if (work->request.id == id)
      found = work->is_cancelled = true;
  return found;
}

bool ControlWorker::end() {
  std::lock_guard lock(mutex_);
  is_ending_ = true;
  for (const auto &work : works_)
    work->is_cancelled = true;
  changed_.notify_one();
  return has_ended_ || !thread_.joinable();
}

std::vector<std::string> ControlWorker::take_lines() {
  std::lock_guard lock(mutex_);
  return std::exchange(lines_, {});
}

bool ControlWorker::is_busy() const {
  std::lock_guard lock(mutex_);
  return !works_.empty() || !lines_.empty();
}

void ControlWorker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !works_.empty(); });
    if (is_ending_)
      break;
    const Work &work = *works_.front();
    lock.unlock();
    std::string line = carry_out(work);
    lock.lock();
    works_.pop_front();
    lines_.push_back(std::move(line));
    const std::uint64_t one = 1;
    (void)!::write(wake_->number(), &one, sizeof(one));
  }
  has_ended_ = true;
  const std::uint64_t one = 1;
  (void)!::write(wake_->number(), &one, sizeof(one));
}

/// In the thread itself.
bool ControlWorker::tell(std::string line) {
  {
    std::lock_guard lock(mutex_);
    if (lines_.size() >= most_untold)
      return false;
    lines_.push_back(std::move(line));
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_->number(), &one, sizeof(one));
  return true;
}

std::string ControlWorker::carry_out(const Work &work) {
  const nlohmann::json &id = work.request.id;
  try {
    if (work.is_cancelled)
      return error_line(id, {RpcCode::Cancelled, "the request was cancelled"});
    auto result = answer_({*work.method, work.request, peer_, work.is_cancelled,
                           [this](StringRef method, const nlohmann::json &parameters) {
                             return tell(notification_line(method, parameters));
                           }});
    if (result)
      return result_line(id, *result);
    return error_line(id, {work.is_cancelled ? RpcCode::Cancelled : RpcCode::Failed, toString(result.takeError())});
  } catch (const std::bad_alloc &) {
    return error_line(id, {RpcCode::Failed, "there is no memory for the answer"});
  }
}

} // namespace osr
