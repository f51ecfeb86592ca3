// The result area: where a callee's result waits while control passes from a return stub into a continuation.
//
// A return stub cannot leave the result in its registers: the continuation's entry block first loads its values from
// the state buffer, and that code may use any register. So the stub saves the result registers to the end of the
// buffer. Where the result is one number or pointer the continuation loads it from there; else it gets the registers
// back by calling a *result pad*, a function that does nothing but load them.
//
//      state buffer (on the object stack)
//      +---------------------+ <- the argument at the jump
//      | values              |
//      +---------------------+ <- + result_area_offset
//      | result registers    |    x86_64/result_layout.h
//      +---------------------+
#pragma once

#include "osr-stubs/x86_64/result_layout.h" // ResultArea; general_result_offset, vector_result_offset

#include "compiler/base/site.h"

#include <cstdint>
#include <vector>

namespace osr {

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
