// The image of the vector, mask and x87 registers that our assembly saves.
#pragma once

#include <cstdint>

extern "C" {
/// For the assembly: vector_register_bytes().
extern std::uint32_t osr_vector_register_bytes;
/// For the assembly: XSAVE's component mask (x87, vector and mask registers), 0 on machines that have only FXSAVE.
extern std::uint32_t osr_extended_state_mask;
/// For the assembly: bytes of an image, a multiple of 64.
extern std::uint32_t osr_extended_state_bytes;
}
