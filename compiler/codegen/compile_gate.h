// Keeps the program as it is while versions are compiled without the lock of whoever owns the compiler.
#pragma once

#include "compiler/base/check.h"
#include "compiler/base/mutex.h"

#include <atomic>

namespace osr {

/// A mutex that many may share, for SharedLock and Lock. It is locked around a fork, too; the child, in
/// which nobody of those who wait exists, unlocks it: so it is one word that nobody owns, and not one of the C++ library.
class OSR_CAPABILITY("gate") CompileGate {
public:
  void lock_shared() OSR_ACQUIRE_SHARED() {
    for (int now = state_.load();;)
      if (now == locked) {
        state_.wait(now);
        now = state_.load();
      } else if (state_.compare_exchange_weak(now, now + 1)) {
        return;
      }
  }
  void unlock_shared() OSR_RELEASE_SHARED() {
    if (state_.fetch_sub(1) == 1)
      state_.notify_all();
  }
  /// Waits until nobody is inside.
  void lock() OSR_ACQUIRE() {
    for (int now = 0; !state_.compare_exchange_strong(now, locked); now = 0)
      state_.wait(now);
  }
  /// False: somebody is inside.
  bool try_lock() OSR_TRY_ACQUIRE(true) {
    int now = 0;
    return state_.compare_exchange_strong(now, locked);
  }
  /// In the child of a fork, whether it was locked or not: of those inside there is only the calling thread, or nobody.
  void keep_only_current(bool is_inside) { state_.store(is_inside ? 1 : 0); }
  void unlock() OSR_RELEASE() {
    const int before = state_.exchange(0);
    OSR_CHECK(before == locked, "the gate was not locked but {}", before);
    state_.notify_all();
  }

private:
  static constexpr int locked = -1;
  std::atomic<int> state_ = 0; ///< how many are inside, or locked
};

} // namespace osr
