// Benchmarks measure nothing unless what they measure works.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process with a message if the condition does not hold.
inline void require(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "benchmark: %s\n", what);
  std::abort();
}
