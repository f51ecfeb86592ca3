#include "runtime/tiering/compile_queue.h"

#include <algorithm>

namespace osr {

CompileQueue::CompileQueue(std::size_t capacity, unsigned threads, Work work)
    : work_(std::move(work)), ring_(std::max<std::size_t>(capacity, 1)),
      threads_({.name = "osr compile", .threads = threads},
               [this]() OSR_REQUIRES(threads_.mutex()) { return next(); }) {
  Lock lock(threads_.mutex());
  has_threads_ = threads_.start();
}

bool CompileQueue::add(Item item) {
  if (!has_threads_) {
    work_(item);
    return true;
  }
  Lock lock(threads_.mutex());
  if (threads_.is_ending() || waiting_ == ring_.size())
    return false;
  ring_[(first_ + waiting_++) % ring_.size()] = item;
  most_waiting_ = std::max(most_waiting_, waiting_);
  threads_.notify();
  return true;
}

std::size_t CompileQueue::most_waiting() const {
  Lock lock(threads_.mutex());
  return most_waiting_;
}

std::size_t CompileQueue::begun() const {
  Lock lock(threads_.mutex());
  return threads_.begun();
}

WorkerThreads::Next CompileQueue::next() {
  if (waiting_ == 0)
    return {};
  const Item item = ring_[first_];
  first_ = (first_ + 1) % ring_.size();
  --waiting_;
  return {.work = [this, item] { work_(item); }};
}

} // namespace osr
