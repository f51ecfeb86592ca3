// The numbers behind osr-stubs/frame_words.h.
#pragma once

#include <cstdint>

namespace osr {

inline constexpr std::uintptr_t word_size = 8;
inline constexpr std::int32_t return_pc_cfa_offset = -8;
inline constexpr std::uintptr_t call_alignment = 16;
inline constexpr std::uintptr_t red_zone_size = 128;

/// A call pushes the return PC, and the callee its caller's frame pointer below it.
inline std::uintptr_t return_pc_slot_of(const void *frame_address) {
  return reinterpret_cast<std::uintptr_t>(frame_address) + word_size;
}

} // namespace osr
