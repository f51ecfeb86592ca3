// The numbers behind compiler/target/holder_assembly.h; holder_assembly.cpp draws the frame.
#pragma once

#include <cstdint>

namespace osr {

inline constexpr std::int64_t holder_body_cfa_offset = -16;
inline constexpr std::uint64_t holder_return_pc_size = 8;

} // namespace osr
