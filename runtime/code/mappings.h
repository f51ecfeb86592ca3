// The process's own memory mappings: proof that no page is writable and executable.
#pragma once

#include <cstdint>

namespace osr {

struct MappingCount {
  std::uint64_t total = 0; ///< 0: they could not be read
  std::uint64_t writable_and_executable = 0;
};

/// As they are now, by /proc/thread-self/maps: the process has none of its own once its first thread has ended.
MappingCount count_mappings();

} // namespace osr
