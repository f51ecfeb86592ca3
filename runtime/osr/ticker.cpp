#include "runtime/osr/ticker.h"

#include "runtime/threads/undisturbed.h"

namespace osr {

Ticker::Ticker(const char *name, std::uint64_t per_second, std::function<void()> act)
    : period_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second), act_(std::move(act)) {
  thread_ = start_undisturbed(name, [this] { run(); });
}

Ticker::~Ticker() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Ticker::run() {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, period_, [this] { return ending_; })) {
    lock.unlock();
    act_();
    lock.lock();
  }
}

} // namespace osr
