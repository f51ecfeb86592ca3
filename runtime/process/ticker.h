// Something that happens again and again, in a thread that has nothing to do with the program.
#pragma once

#include "runtime/process/worker_threads.h"

#include <cstdint>

namespace osr {

/// Calls `act` in a thread of its own of that name, `per_second` times a second, from construction to destruction.
class Ticker {
public:
  Ticker(const char *name, std::uint64_t per_second, std::function<void()> act);
  /// It is not begun any more. False: what has begun is not done by then.
  bool end_by(WorkerThreads::Clock::time_point when) { return thread_.end_by(when); }

private:
  WorkerThreads::Next next() OSR_REQUIRES(thread_.mutex());

  std::chrono::nanoseconds period_;
  std::function<void()> act_;
  WorkerThreads::Clock::time_point due_ OSR_GUARDED_BY(thread_.mutex());
  WorkerThreads thread_;
};

} // namespace osr
