#include "runtime/tiering/compile_queue.h"

#include "runtime/threads/undisturbed.h"

#include <algorithm>

namespace osr {

CompileQueue::CompileQueue(std::size_t capacity, unsigned threads, Work work)
    : work_(std::move(work)), ring_(std::max<std::size_t>(capacity, 1)) {
  for (unsigned i = 0; i < threads; ++i)
    threads_.push_back(start_undisturbed("osr compile", [this] { run(); }));
}

bool CompileQueue::end_by(std::chrono::steady_clock::time_point when) {
  std::unique_lock lock(mutex_);
  is_ending_ = true;
  waiting_ = 0;
  changed_.notify_all();
  return changed_.wait_until(lock, when, [this] { return begun_ == 0; });
}

CompileQueue::~CompileQueue() {
  end_by({});
  for (std::thread &thread : threads_)
    thread.join();
}

bool CompileQueue::add(Item item) {
  if (threads_.empty()) {
    work_(item);
    return true;
  }
  {
    std::lock_guard lock(mutex_);
    if (is_ending_ || waiting_ == ring_.size())
      return false;
    ring_[(first_ + waiting_++) % ring_.size()] = item;
    most_waiting_ = std::max(most_waiting_, waiting_);
  }
  changed_.notify_one();
  return true;
}

std::size_t CompileQueue::most_waiting() const {
  std::lock_guard lock(mutex_);
  return most_waiting_;
}

std::size_t CompileQueue::begun() const {
  std::lock_guard lock(mutex_);
  return begun_;
}

void CompileQueue::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || waiting_ != 0; });
    if (is_ending_)
      return;
    const Item item = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --waiting_;
    ++begun_;
    lock.unlock();
    work_(item);
    lock.lock();
    --begun_;
    if (is_ending_)
      changed_.notify_all();
  }
}

} // namespace osr
