// A mutex whose frequent owner lets those who wait go first.
#pragma once

#include "compiler/base/mutex.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <pthread.h>

namespace osr {

/// An ordinary mutex lets whoever runs take it again before those who sleep have woken: requests in a row would keep
/// threads from starting and from compiling for ever. So a request takes it by `Lock lock(mutex, after_waiting)`. A mutex that is
/// fair to everybody would put each of the program's threads to sleep for each short use.
class OSR_CAPABILITY("mutex") TurnMutex {
public:
  TurnMutex() = default;
  TurnMutex(const TurnMutex &) = delete;
  TurnMutex &operator=(const TurnMutex &) = delete;

  void lock() OSR_ACQUIRE() {
    asked_.fetch_add(1, std::memory_order_relaxed);
    mutex_.lock();
    served();
  }

  /// As many as are waiting now are served before.
  void lock_after_waiting() OSR_ACQUIRE() {
    const std::uint32_t turn = asked_.fetch_add(1, std::memory_order_relaxed);
    for (std::uint32_t now; std::int32_t(turn - (now = served_.load(std::memory_order_relaxed))) > 0;)
      served_.wait(now, std::memory_order_relaxed);
    mutex_.lock();
    served();
  }

  bool try_lock_for(std::chrono::milliseconds patience) OSR_TRY_ACQUIRE(true) {
    if (!mutex_.try_lock_until(PatienceClock::now() + patience))
      return false;
    asked_.fetch_add(1, std::memory_order_relaxed);
    served();
    return true;
  }

  void unlock() OSR_RELEASE() {
    owner_.store(0, std::memory_order_relaxed);
    mutex_.unlock();
  }
  /// For those who are called by its owner, and may not take it.
  bool is_held_by_this_thread() const { return owner_.load(std::memory_order_relaxed) == pthread_self(); }

  /// How many have asked and not got it.
  std::uint32_t waiting() const {
    return asked_.load(std::memory_order_relaxed) - served_.load(std::memory_order_relaxed);
  }

  /// In the child of a fork, by the owner: those who waited do not exist there.
  void forget_waiting() { served_.store(asked_.load(std::memory_order_relaxed), std::memory_order_relaxed); }

private:
#ifdef __SANITIZE_THREAD__ // it does not know the call by which others wait, pthread_mutex_clocklock
  using PatienceClock = std::chrono::system_clock;
#else
  using PatienceClock = std::chrono::steady_clock;
#endif

  void served() {
    owner_.store(pthread_self(), std::memory_order_relaxed);
    served_.fetch_add(1, std::memory_order_relaxed);
    served_.notify_all();
  }

  std::timed_mutex mutex_;
  std::atomic<pthread_t> owner_ = 0; ///< 0: nobody
  std::atomic<std::uint32_t> asked_ = 0, served_ = 0;
};

} // namespace osr
