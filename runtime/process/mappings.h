// The process's own memory mappings: proof that no page is writable and executable.
#pragma once

#include "osr/statistics.h"

namespace osr {

/// As they are now, by /proc/thread-self/maps: the process has none of its own once its first thread has ended.
MappingCount count_mappings();

} // namespace osr
