// The result area: where a callee's result waits while control passes from a return stub into a continuation.
//
// A return stub cannot leave the result in its registers: the continuation's entry block first loads its values from
// the state buffer, and that code may use any register. So the stub saves the result registers to the end of the
// buffer. Where the result is one number or pointer the continuation loads it from there; else it gets the registers
// back by calling a *result pad*, a function that does nothing but load them.
//
//      state buffer (on the object stack)
//      +---------------------+ <- rdi at the jump
//      | values              |
//      +---------------------+ <- + result_area_offset
//      | rax  rdx  rcx  -    |
//      | st0       st1       |    16 bytes each, 10 used
//      | vector 0 .. 3       |    64 bytes each, as many used as the registers are wide
//      +---------------------+
#pragma once

#include "compiler/base/site.h"
#include "osr-stubs/stub_offsets.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace osr {

/// The area at its full size. The registers that a ResultRegisters does not name have no defined contents.
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

/// Bytes that a state buffer must keep free for these registers, a multiple of 16; 0 when there is no result.
std::uint32_t result_area_size(const ResultRegisters &registers);

/// A result pad: `T pad(ptr state_buffer, i64 result_area_offset)` with the C calling convention. T is whatever type
/// the call had; the pad leaves it in the registers where the convention returns it.
struct ResultPad {
  const char *symbol = nullptr; ///< name for IR and for a linker; nullptr when there is no result
  std::uint64_t address = 0;
};

/// The pad that loads these registers. It may load more of them than asked. Thread-safe; the pads are static code.
ResultPad result_pad(const ResultRegisters &registers);
/// All of them. Some may come twice.
std::vector<ResultPad> result_pads();

/// Whether put_result() can say what a callee of this kind returns.
bool takes_word(const ResultRegisters &registers);
/// Puts a result of at most one word into an area, wherever a callee of this kind leaves it.
void put_result(char *area, const ResultRegisters &registers, std::uint64_t result);

} // namespace osr
