// The stress mode async:HZ: requests at random times, from a thread that has nothing to do with the program.
#pragma once

#include "runtime/osr/continuation_budget.h"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <random>
#include <thread>

namespace osr {

class Runtime;

/// From construction to destruction a thread of its own replaces, `per_second` times a second, a random function by a
/// random tier. Which frames it meets depends on time: runs differ, the program's output must not.
class AsyncStress {
public:
  AsyncStress(Runtime &runtime, std::uint64_t per_second);
  ~AsyncStress();

private:
  void run();

  Runtime &runtime_;
  std::chrono::nanoseconds period_;
  ContinuationBudget budget_;
  std::mt19937 random_{1};
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace osr
