// What this machine's registers look like: the parts of CPUID that the stubs depend on. Constant after start-up.
#pragma once

#include <cstdint>

namespace osr {

/// Width in bytes of the widest vector register that the CPU has and the kernel saves: 16, 32 or 64.
std::uint32_t vector_register_bytes();

/// Copies vector register `index` (0..15), `width` bytes of it, out of an image that osr_generic_trampoline saved.
void read_saved_vector(const std::uint8_t *image, unsigned index, std::uint32_t width, std::uint8_t *to);

/// Address of the 10 bytes of st(index) in such an image.
const std::uint8_t *saved_x87(const std::uint8_t *image, unsigned index);

} // namespace osr

extern "C" {
/// For the assembly: vector_register_bytes().
extern std::uint32_t osr_vector_register_bytes;
/// For the assembly: XSAVE's component mask (x87, vector and mask registers), 0 on machines that have only FXSAVE.
extern std::uint32_t osr_extended_state_mask;
/// For the assembly: bytes of an image, a multiple of 64.
extern std::uint32_t osr_extended_state_bytes;
}
