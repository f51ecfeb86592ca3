// The instruction at the return PC of every site, when code is compiled for return-point patching.
#pragma once

#include <array>
#include <cstdint>

namespace osr {

/// `nopl 8(%rax,%rax)`: one instruction as long as a jump with a 32-bit displacement. Overwriting it with a jump leaves
/// all instruction boundaries where they were, so nobody can stand or jump in the middle of the jump.
inline constexpr std::array<std::uint8_t, 5> return_point_nop{0x0f, 0x1f, 0x44, 0x00, 0x08};

} // namespace osr
