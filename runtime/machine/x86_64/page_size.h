// The number behind runtime/machine/page_size.h.
#pragma once

#include <cstdint>

namespace osr {

inline constexpr std::uint64_t page_size = 4096;

} // namespace osr
