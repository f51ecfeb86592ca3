// Keeps the program as it is while versions are compiled without the lock of whoever owns the compiler.
#pragma once

#include "compiler/base/check.h"

#include <atomic>

namespace osr {

/// Many may be inside, or one may have closed it. It is closed around a fork, too; the child, in which nobody of those
/// who wait exists, opens it: so it is one word that nobody owns.
class CompileGate {
public:
  void enter() {
    for (int now = state_.load();;)
      if (now == closed) {
        state_.wait(now);
        now = state_.load();
      } else if (state_.compare_exchange_weak(now, now + 1)) {
        return;
      }
  }
  void leave() {
    if (state_.fetch_sub(1) == 1)
      state_.notify_all();
  }
  /// Waits until nobody is inside.
  void close() {
    for (int now = 0; !state_.compare_exchange_strong(now, closed); now = 0)
      state_.wait(now);
  }
  void open() {
    const int before = state_.exchange(0);
    OSR_CHECK(before == closed, "the gate was not closed but {}", before);
    state_.notify_all();
  }

  class Inside {
  public:
    explicit Inside(CompileGate &gate) : gate_(gate) { gate_.enter(); }
    ~Inside() { gate_.leave(); }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;

  private:
    CompileGate &gate_;
  };
  class Closed {
  public:
    explicit Closed(CompileGate &gate) : gate_(gate) { gate_.close(); }
    ~Closed() { gate_.open(); }
    Closed(const Closed &) = delete;
    Closed &operator=(const Closed &) = delete;

  private:
    CompileGate &gate_;
  };

private:
  static constexpr int closed = -1;
  std::atomic<int> state_ = 0; ///< how many are inside, or closed
};

} // namespace osr
