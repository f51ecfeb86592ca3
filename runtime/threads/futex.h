// Waiting for a word to change.
#pragma once

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr {

/// Neither waits for locks nor allocates; no cancellation point.
/// Inlined also where ThreadSanitizer must not see the caller.
template <typename Word> [[gnu::always_inline]] inline std::uint32_t *futex_word(std::atomic<Word> &word) {
  static_assert(sizeof(word) == sizeof(std::uint32_t) && std::atomic<Word>::is_always_lock_free);
  return reinterpret_cast<std::uint32_t *>(&word);
}

template <typename Word> void futex_wake(std::atomic<Word> &word) {
  syscall(SYS_futex, futex_word(word), FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

/// Returns when the word is not `expected`, after a wake, a signal, or the time. The caller looks again.
template <typename Word> void futex_wait(std::atomic<Word> &word, Word expected, const timespec *time = nullptr) {
  syscall(SYS_futex, futex_word(word), FUTEX_WAIT_PRIVATE, std::uint32_t(expected), time, nullptr, 0);
}

/// How long a wait may take that ends at `end`; zero if that is over.
inline timespec time_until(std::chrono::steady_clock::time_point end) {
  auto left = std::max(std::chrono::nanoseconds(end - std::chrono::steady_clock::now()), std::chrono::nanoseconds(0));
  return {time_t(left.count() / 1'000'000'000), long(left.count() % 1'000'000'000)};
}

} // namespace osr
