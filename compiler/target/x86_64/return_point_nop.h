// The bytes behind compiler/target/return_point.h.
#pragma once

#include <array>
#include <cstdint>

namespace osr {

/// `nopl 8(%rax,%rax)`, as long as a jump with a 32-bit displacement.
inline constexpr std::array<std::uint8_t, 5> return_point_nop{0x0f, 0x1f, 0x44, 0x00, 0x08};

} // namespace osr
