#include "runtime/control/client.h"

#include <new>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_untold = 1000; ///< lines that the server has not taken yet
constexpr std::chrono::milliseconds between_news(100), between_repetitions(1000); ///< of the progress of a request

} // namespace

void ProgressTeller::operator()(const std::string &what) {
  const auto now = Clock::now();
  if (told_ && now < *told_ + (what == last_ ? between_repetitions : between_news))
    return;
  told_ = now;
  last_ = what;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  call_.tell("progress", {{"request", call_.request.id}, {"what", what}, {"seconds", seconds}});
}

ControlWorker::ControlWorker(Peer peer, ControlServer::Answer answer, std::shared_ptr<OwnedFile> wake)
    : peer_(peer), answer_(std::move(answer)), wake_(std::move(wake)),
      thread_({.name = "osr client", .last = [this] { wake_server(); }},
              [this]() OSR_REQUIRES(thread_.mutex()) { return next(); }) {}

ControlWorker::~ControlWorker() { end(); }

bool ControlWorker::add(RpcRequest request, const Method &method) {
  Lock lock(thread_.mutex());
  if (works_.size() >= ControlServer::most_waiting || !thread_.start())
    return false;
  auto work = std::make_unique<Work>();
  work->request = std::move(request);
  work->method = &method;
  works_.push_back(std::move(work));
  thread_.notify();
  return true;
}

bool ControlWorker::cancel(const nlohmann::json &id) {
  Lock lock(thread_.mutex());
  bool found = false;
  for (const auto &work : works_)
    if (work->request.id == id)
      found = work->is_cancelled = true;
  return found;
}

bool ControlWorker::end() {
  {
    Lock lock(thread_.mutex());
    for (const auto &work : works_)
      work->is_cancelled = true;
  }
  return thread_.end_by({});
}

std::vector<std::string> ControlWorker::take_lines() {
  Lock lock(thread_.mutex());
  return std::exchange(lines_, {});
}

bool ControlWorker::is_busy() const {
  Lock lock(thread_.mutex());
  return !works_.empty() || !lines_.empty();
}

WorkerThreads::Next ControlWorker::next() {
  if (works_.empty())
    return {};
  return {.work = [this, work = works_.front().get()] { finish(*work); }};
}

/// It can be cancelled until it is done, so it stays where it is.
void ControlWorker::finish(const Work &work) {
  std::string line = carry_out(work);
  {
    Lock lock(thread_.mutex());
    works_.pop_front();
    lines_.push_back(std::move(line));
  }
  wake_server();
}

void ControlWorker::wake_server() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_->number(), &one, sizeof(one));
}

/// In the thread itself.
bool ControlWorker::tell(std::string line) {
  {
    Lock lock(thread_.mutex());
    if (lines_.size() >= most_untold)
      return false;
    lines_.push_back(std::move(line));
  }
  wake_server();
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
