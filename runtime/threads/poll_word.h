// The word that polls in loops look at: one per thread, which compiled code reaches at fs:[poll_word_tls_offset()].
#pragma once

#include <atomic>
#include <cstdint>

namespace osr {

/// What a thread's polls find. Anything but None makes them call osr_loop_poll.
enum class PollWord : std::uint32_t {
  None,
  Wait,     ///< a request asks the thread to wait in its next poll
  Waiting,  ///< it does
  Safepoint, ///< a collector asks the thread to wait in its next poll (safepoint_gate.h)
  Flip,     ///< stress: the frame that polls next goes to another tier
  FlipEach, ///< stress: every frame that polls does
};

/// The same in every thread of the process.
std::int64_t poll_word_tls_offset();

/// The calling thread's word.
std::atomic<PollWord> &own_poll_word();

} // namespace osr
