#include "osr-stubs/x86_64/saved_state.h"

#include "osr-stubs/machine.h"
#include "osr-stubs/stub_frame.h"
#include "osr-stubs/x86_64/result_layout.h"

#include <algorithm>
#include <cpuid.h>
#include <cstring>

// The values that any x86-64 has; filled in for this one by detect() before main starts.
std::uint32_t osr_vector_register_bytes = 16;
std::uint32_t osr_extended_state_mask = 0;
std::uint32_t osr_extended_state_bytes = 512;

namespace osr {

namespace {

// Components of the extended state (Intel SDM volume 1, chapter 13).
constexpr unsigned avx_component = 2;          // upper halves of ymm0-15
constexpr unsigned avx512_masks_component = 5; // k0-7
constexpr unsigned avx512_upper_component = 6; // upper halves of zmm0-15
constexpr unsigned last_component = 19;        // r16-31
/// x87, SSE, the three above, zmm16-31, and r16-31: all that code generation may have values in.
constexpr std::uint32_t wanted_components = 0xe7 | 1u << last_component;

constexpr unsigned x87_offset = 32;  // st0 in the legacy part of an image
constexpr unsigned xmm_offset = 160; // xmm0 in the legacy part

std::uint32_t component_offset[last_component + 1] = {};

std::uint32_t enabled_components() {
  std::uint32_t low, high;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool has(std::uint32_t mask, unsigned component) { return (mask >> component) & 1; }

[[gnu::constructor]] void detect() {
  std::uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
    return;
  osr_extended_state_mask = enabled_components() & wanted_components;
  std::uint32_t end = 512 + 64; // legacy part and header
  for (unsigned component = avx_component; component <= last_component; ++component) {
    if (!has(osr_extended_state_mask, component))
      continue;
    __cpuid_count(0xd, component, a, b, c, d);
    component_offset[component] = b;
    end = std::max(end, b + a);
  }
  osr_extended_state_bytes = (end + 63) / 64 * 64;
  if (has(osr_extended_state_mask, avx_component))
    osr_vector_register_bytes = 32;
  if (has(osr_extended_state_mask, avx512_masks_component) && has(osr_extended_state_mask, avx512_upper_component))
    osr_vector_register_bytes = 64;
}

/// Copies vector register `index` (0..15), `width` bytes of it, out of an image.
void read_saved_vector(const std::uint8_t *image, unsigned index, std::uint32_t width, std::uint8_t *to) {
  std::memcpy(to, image + xmm_offset + 16 * index, 16);
  if (width >= 32)
    std::memcpy(to + 16, image + component_offset[avx_component] + 16 * index, 16);
  if (width >= 64)
    std::memcpy(to + 32, image + component_offset[avx512_upper_component] + 32 * index, 32);
}

} // namespace

std::uint32_t vector_register_bytes() { return osr_vector_register_bytes; }

void save_result(const ResultRegisters &result, SaveArea &area, std::uint8_t *result_area) {
  auto *to = reinterpret_cast<ResultArea *>(result_area);
  if (result.general) {
    to->rax = area.rax;
    to->rdx = area.rdx;
    to->rcx = area.rcx;
  }
  if (result.vector_bytes != 0)
    for (unsigned index = 0; index < 4; ++index)
      read_saved_vector(area.extended, index, result.vector_bytes, to->vector[index]);
  for (unsigned index = 0; index < result.stacked_floats; ++index)
    std::memcpy(to->x87[index], area.extended + x87_offset + 16 * index, 10);
  area.x87_pops = result.stacked_floats;
}

} // namespace osr
