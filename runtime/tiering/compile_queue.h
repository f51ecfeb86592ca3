// What is to be optimised, in the order in which it was noticed, and the threads that do it.
#pragma once

#include "compiler/tiers/count_heat.h"
#include "runtime/process/worker_threads.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace osr {

/// How a function came into the queue.
enum class NoticedBy : std::uint8_t { Entry, Loop, Sampler };

/// Bounded. Thread-safe; what program threads call allocates nothing. Without threads, or where none can be made, the work is
/// done at once, by the thread that brings it. The destructor drops what waits, and waits for what has begun.
class CompileQueue {
public:
  struct Item {
    HeatCounter *counter = nullptr;
    NoticedBy by = NoticedBy::Entry;
  };
  using Work = std::function<void(Item)>;

  CompileQueue(std::size_t capacity, unsigned threads, Work work);

  /// Drops what waits, and takes nothing any more. False: what has begun is not done by then.
  bool end_by(std::chrono::steady_clock::time_point when) { return threads_.end_by(when); }

  /// False: it is full.
  bool add(Item item);

  std::size_t most_waiting() const;
  /// Is being worked on by threads.
  std::size_t begun() const;

  /// Held around a fork.
  Mutex &mutex() OSR_RETURNS_MUTEX(threads_.mutex()) { return threads_.mutex(); }

private:
  WorkerThreads::Next next() OSR_REQUIRES(threads_.mutex());

  Work work_;
  bool has_threads_ = false;
  std::vector<Item> ring_ OSR_GUARDED_BY(threads_.mutex());
  std::size_t first_ OSR_GUARDED_BY(threads_.mutex()) = 0, waiting_ OSR_GUARDED_BY(threads_.mutex()) = 0,
                     most_waiting_ OSR_GUARDED_BY(threads_.mutex()) = 0;
  WorkerThreads threads_;
};

} // namespace osr
