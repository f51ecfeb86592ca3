// Something that happens again and again, in a thread that has nothing to do with the program.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace osr {

/// Calls `act` in a thread of its own of that name, `per_second` times a second, from construction to destruction. The program's
/// signals are blocked in it.
class Ticker {
public:
  Ticker(const char *name, std::uint64_t per_second, std::function<void()> act);
  ~Ticker();
  /// It is not begun any more. False: what has begun is not done by then.
  bool end_by(std::chrono::steady_clock::time_point when);

private:
  void run();

  std::chrono::nanoseconds period_;
  std::function<void()> act_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false, is_acting_ = false;
  std::thread thread_;
};

} // namespace osr
