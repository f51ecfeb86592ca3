// What the ways to compile a version have in common.
#pragma once

#include "compiler/tiers/count_residence.h"

#include <atomic>
#include <cstdint>

namespace osr {

inline std::uint64_t address_of(const std::atomic<std::uint64_t> &counter) {
  return reinterpret_cast<std::uint64_t>(&counter);
}

} // namespace osr
