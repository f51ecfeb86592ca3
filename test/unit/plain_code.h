// What threads do while tests stop them.
//
// ThreadSanitizer does not see these functions (CMakeLists.txt): a handshake stops a thread at any instruction, and inside
// of the sanitizer's runtime it might hold one of its locks.
#pragma once

#include <atomic>
#include <cstdint>

namespace osr::plain {

/// Counts until `end` is set.
void count_until(const std::atomic<bool> &end, std::atomic<std::uint64_t> &count);

/// The same, in a loop that looks at errno, which is `value` at first. Returns whether it ever was something else.
bool errno_stays(int value, const std::atomic<bool> &end, std::atomic<std::uint64_t> &count);

/// Counts once and reads a byte by a system call. Returns it, or -1.
int read_byte(int file, std::atomic<std::uint64_t> &count);

} // namespace osr::plain
