// A limit for what reads files that may be damaged.
#pragma once

#include <sys/resource.h>

#include <cstdint>

namespace osr {

/// While one exists, the process cannot map more than so many bytes in addition to what it has: asking for more fails. A
/// lower limit that the process was started with stays. For as long as there is one thread only.
class BoundedMemory {
public:
  explicit BoundedMemory(std::uint64_t bytes);
  ~BoundedMemory() { setrlimit(RLIMIT_AS, &saved_); }
  BoundedMemory(const BoundedMemory &) = delete;
  BoundedMemory &operator=(const BoundedMemory &) = delete;

private:
  rlimit saved_{};
};

} // namespace osr
