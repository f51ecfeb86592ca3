// A list of executed transitions, written by stubs while they run: what a trace shows of them.
//
//   stubs, in any thread                              one reader
//   ticket := head, if head - tail < capacity         event at tail: its sequence is tail + 1?
//   head := ticket + 1       (compare and exchange)     take it
//   event := what, why, when, who                       tail := tail + 1
//   its sequence := ticket + 1       (published)
//
// A stub may run in a signal handler, with any lock held elsewhere, between any two instructions of another stub in the
// same thread: so nothing is allocated, locked or waited for. When the list is full the transition is counted as dropped
// and not listed. A thread that ends for ever in the middle of a stub (cancelled asynchronously) leaves a ticket that is
// never published; from then on all transitions are dropped.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

extern "C" {
/// The kernel's number of this thread; 0 where nobody has set it. Stubs read it.
extern constinit thread_local pid_t osr_thread_number __attribute__((tls_model("initial-exec")));
}

namespace osr {

class TransitionRing;

/// What a stub does, as the list shows it. Stays where it is for as long as the stub may run.
struct TracedTransition {
  TransitionRing *ring = nullptr;
  std::uint32_t number = 0; ///< for the reader, to describe it
  std::atomic<std::uint32_t> cause = 0; ///< for the reader: why an activation was last sent this way
};

struct TransitionEvent {
  std::atomic<std::uint64_t> sequence = 0;
  std::uint64_t ticks = 0; ///< processor_ticks()
  std::uint32_t thread = 0;
  std::uint32_t cause = 0;
  std::uint32_t number = 0;
  std::uint32_t padding = 0;
};
static_assert(sizeof(TransitionEvent) == 32, "the emitter multiplies by a shift");

class TransitionRing {
public:
  static constexpr std::uint64_t capacity = std::uint64_t(1) << 16;

  /// What generated stubs do, for the interpreter. Lock-free.
  void push(const TracedTransition &transition) noexcept;
  /// The next event. One thread at a time.
  struct Taken {
    std::uint64_t ticks;
    std::uint32_t thread, cause, number;
  };
  std::optional<Taken> take() noexcept;
  /// Transitions that found the list full.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  /// For the emitter.
  static std::int32_t head_offset();
  static std::int32_t tail_offset();
  static std::int32_t dropped_offset();
  static std::int32_t events_offset();

private:
  std::atomic<std::uint64_t> head_ = 0; ///< next ticket
  std::atomic<std::uint64_t> tail_ = 0; ///< next to be taken
  std::atomic<std::uint64_t> dropped_ = 0;
  std::array<TransitionEvent, capacity> events_;
};

} // namespace osr
