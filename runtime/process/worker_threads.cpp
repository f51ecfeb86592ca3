#include "runtime/process/worker_threads.h"

#include "runtime/process/fork_handlers.h"
#include "runtime/process/host_threads.h"

#include <pthread.h>
#include <unistd.h>

namespace osr {

WorkerThreads::~WorkerThreads() {
  if (threads_.empty())
    return;
  if (::getpid() != process_) {
    // The C library gives the memory behind these handles to new threads, and would wait for those that wait here.
    static_cast<void>(new std::vector<std::thread>(std::move(threads_)));
    static_cast<void>(changed_.release());
    return;
  }
  end_by({});
  for (std::thread &thread : threads_)
    thread.join();
}

bool WorkerThreads::start() {
  if (is_ending_ || !threads_.empty())
    return !threads_.empty();
  if (is_raw_child())
    return false;
  const HostThreads host_threads;
  process_ = ::getpid();
  threads_.reserve(options_.threads);
  try {
    while (threads_.size() != options_.threads)
      threads_.emplace_back([this] { run(); });
  } catch (...) { // of fewer threads, each does more
  }
  return !threads_.empty();
}

bool WorkerThreads::notify() {
  const bool exist = start();
  changed_->notify_one();
  return exist;
}

bool WorkerThreads::end_by(Clock::time_point when) {
  Lock lock(mutex_);
  is_ending_ = true;
  changed_->notify_all();
  while (left_ != threads_.size())
    if (!changed_->wait_until(lock, when))
      return left_ == threads_.size();
  return true;
}

void WorkerThreads::run() {
  pthread_setname_np(pthread_self(), options_.name);
  if (options_.first)
    options_.first();
  Lock lock(mutex_);
  while (!is_ending_ || options_.at_end == AtEnd::Finish) {
    Next next = next_();
    if (next.work) {
      ++begun_;
      lock.unlock();
      next.work();
      next.work = nullptr;
      lock.lock();
      --begun_;
    } else if (is_ending_) {
      break;
    } else if (next.look_again == Clock::time_point::max()) {
      changed_->wait(lock);
    } else {
      changed_->wait_until(lock, next.look_again);
    }
  }
  if (options_.last)
    options_.last();
  ++left_;
  changed_->notify_all();
}

} // namespace osr
