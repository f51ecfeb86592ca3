// How often something has gone whose address may be used again: code objects, return stubs, unwind information.
//
// Whoever remembers an answer by an address of code keeps the count with it, and drops the answer when the count has
// changed: what is at that address now may be something else.
#pragma once

#include <atomic>
#include <cstdint>

namespace osr {

class Removals {
public:
  static std::uint64_t count() noexcept { return count_.load(std::memory_order_acquire); }
  /// To be called after look-ups have ceased to find the thing and before its address can be given to another.
  static void add() noexcept { count_.fetch_add(1, std::memory_order_acq_rel); }

private:
  inline static std::atomic<std::uint64_t> count_{0};
};

} // namespace osr
