#include "runtime/threads/ticker.h"

#include "runtime/threads/undisturbed.h"

namespace osr {

Ticker::Ticker(const char *name, std::uint64_t per_second, std::function<void()> act)
    : period_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second), act_(std::move(act)) {
  thread_ = start_undisturbed(name, [this] { run(); });
}

bool Ticker::end_by(std::chrono::steady_clock::time_point when) {
  std::unique_lock lock(mutex_);
  is_ending_ = true;
  changed_.notify_all();
  return changed_.wait_until(lock, when, [this] { return !is_acting_; });
}

Ticker::~Ticker() {
  end_by({});
  thread_.join();
}

void Ticker::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, period_, [this] { return is_ending_; })) {
    is_acting_ = true;
    lock.unlock();
    act_();
    lock.lock();
    is_acting_ = false;
    if (is_ending_)
      changed_.notify_all();
  }
}

} // namespace osr
