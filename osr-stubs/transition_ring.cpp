#include "osr-stubs/transition_ring.h"

#include "osr-stubs/machine.h"

constinit thread_local pid_t osr_thread_number = 0; // C linkage and TLS model: see the header

namespace osr {

void TransitionRing::push(const TracedTransition &transition) noexcept {
  std::uint64_t ticket = 0;
  do {
    const std::uint64_t tail =
        tail_.load(std::memory_order_acquire); // first: an old one only makes the list look fuller
    ticket = head_.load(std::memory_order_acquire);
    if (ticket - tail >= capacity) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  } while (!head_.compare_exchange_strong(ticket, ticket + 1, std::memory_order_acq_rel));
  TransitionEvent &event = events_[ticket % capacity];
  event.ticks = processor_ticks();
  event.thread = std::uint32_t(osr_thread_number);
  event.cause = transition.cause.load(std::memory_order_relaxed);
  event.number = transition.number;
  event.sequence.store(ticket + 1, std::memory_order_release);
}

std::optional<TransitionRing::Taken> TransitionRing::take() noexcept {
  const std::uint64_t ticket = tail_.load(std::memory_order_relaxed);
  const TransitionEvent &event = events_[ticket % capacity];
  if (event.sequence.load(std::memory_order_acquire) != ticket + 1)
    return std::nullopt;
  const Taken taken{event.ticks, event.thread, event.cause, event.number};
  tail_.store(ticket + 1, std::memory_order_release);
  return taken;
}

std::int32_t TransitionRing::head_offset() { return offsetof(TransitionRing, head_); }
std::int32_t TransitionRing::tail_offset() { return offsetof(TransitionRing, tail_); }
std::int32_t TransitionRing::dropped_offset() { return offsetof(TransitionRing, dropped_); }
std::int32_t TransitionRing::events_offset() { return offsetof(TransitionRing, events_); }

} // namespace osr
