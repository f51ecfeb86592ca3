#include "osrctl/bounded_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace osr {
namespace {

/// 0 if that cannot be found out.
std::uint64_t mapped_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * std::uint64_t(sysconf(_SC_PAGESIZE));
}

} // namespace

BoundedMemory::BoundedMemory(std::uint64_t bytes) {
  getrlimit(RLIMIT_AS, &saved_);
  const std::uint64_t mapped = mapped_bytes();
  if (mapped == 0)
    return;
  rlimit bounded = saved_;
  bounded.rlim_cur = std::min<rlim_t>(saved_.rlim_cur, mapped + bytes);
  setrlimit(RLIMIT_AS, &bounded);
}

} // namespace osr
