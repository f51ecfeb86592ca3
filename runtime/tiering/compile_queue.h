// What is to be optimised, in the order in which it was noticed, and the threads that do it.
#pragma once

#include "compiler/tiers/count_heat.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace osr {

/// How a function came into the queue.
enum class NoticedBy : std::uint8_t { Entry, Loop, Sampler };

/// Bounded. Thread-safe; what program threads call allocates nothing. Without threads the work is done at once, by the thread
/// that brings it.
class CompileQueue {
public:
  struct Item {
    HeatCounter *counter = nullptr;
    NoticedBy by = NoticedBy::Entry;
  };
  using Work = std::function<void(Item)>;

  CompileQueue(std::size_t capacity, unsigned threads, Work work);
  /// Drops what waits, and waits for what has begun.
  ~CompileQueue();

  /// Drops what waits, and takes nothing any more. False: what has begun is not done by then.
  bool end_by(std::chrono::steady_clock::time_point when);

  /// False: it is full.
  bool add(Item item);

  std::size_t most_waiting() const;
  /// Is being worked on by threads.
  std::size_t begun() const;

  /// Held around a fork.
  std::mutex &mutex() { return mutex_; }

private:
  void run();

  Work work_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> ring_;
  std::size_t first_ = 0, waiting_ = 0, most_waiting_ = 0, begun_ = 0;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

} // namespace osr
