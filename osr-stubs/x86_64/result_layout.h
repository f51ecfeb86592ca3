// The result area at its full size.
//
//      +---------------------+ <- + result_area_offset
//      | rax  rdx  rcx  -    |
//      | st0       st1       |    16 bytes each, 10 used
//      | vector 0 .. 3       |    64 bytes each, as many used as the registers are wide
//      +---------------------+
#pragma once

#include "osr-stubs/x86_64/stub_offsets.h"

#include <cstddef>
#include <cstdint>

namespace osr {

/// The registers that a ResultRegisters does not name have no defined contents.
struct ResultArea {
  std::uint64_t rax;
  std::uint64_t rdx;
  std::uint64_t rcx;
  std::uint64_t unused;
  std::uint8_t x87[2][16];
  std::uint8_t vector[4][OSR_RESULT_VECTOR_STRIDE];
};
static_assert(offsetof(ResultArea, rax) == OSR_RESULT_RAX);
static_assert(offsetof(ResultArea, rdx) == OSR_RESULT_RDX);
static_assert(offsetof(ResultArea, rcx) == OSR_RESULT_RCX);
static_assert(offsetof(ResultArea, x87[0]) == OSR_RESULT_ST0);
static_assert(offsetof(ResultArea, x87[1]) == OSR_RESULT_ST1);
static_assert(offsetof(ResultArea, vector) == OSR_RESULT_VECTOR);
static_assert(sizeof(ResultArea) == OSR_RESULT_SIZE);

/// Where a result is that is one integer or pointer, or one floating-point number.
inline constexpr std::uint32_t general_result_offset = OSR_RESULT_RAX, vector_result_offset = OSR_RESULT_VECTOR;

} // namespace osr
