#include "runtime/process/ticker.h"

namespace osr {

Ticker::Ticker(const char *name, std::uint64_t per_second, std::function<void()> act)
    : period_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second), act_(std::move(act)),
      due_(WorkerThreads::Clock::now() + period_),
      thread_({.name = name}, [this]() OSR_REQUIRES(thread_.mutex()) { return next(); }) {
  Lock lock(thread_.mutex());
  thread_.start();
}

WorkerThreads::Next Ticker::next() {
  if (WorkerThreads::Clock::now() < due_)
    return {.work = nullptr, .look_again = due_};
  return {.work = [this] {
    act_();
    Lock lock(thread_.mutex());
    due_ = WorkerThreads::Clock::now() + period_;
  }};
}

} // namespace osr
