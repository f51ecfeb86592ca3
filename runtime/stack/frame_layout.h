// The frame, drawn once. All code that walks, rewrites or rebuilds frames uses these words, and the constants of
// osr-stubs/frame_words.h.
//
//   higher addresses, older frames
//      +-----------------------------+
//      | arguments on the stack      |
//      +=============================+ <- CFA of this frame = rsp of its caller after the return; multiple of 16
//      | return PC                   |    CFA-8    the return-PC slot: by it control comes back into the CALLER, so
//      |                             |             it belongs to the caller's activation (Frame::return_pc_slot)
//      | caller's rbp, if saved      |    CFA-16   \  any subset, in any order, at the offsets of the UnwindRow
//      | caller's rbx, r12..r15      |    CFA-24.. /
//      | slots and spills            |
//      | arguments for the callee    |
//      +-----------------------------+ <- sp of this frame = CFA of the newer frame; at a site: CFA - cfa_from_sp
//      | return PC into this frame   |    sp-8     this activation's return-PC slot
//      +=============================+
//      | newer frames ...            |
//      +-----------------------------+ <- newest sp (register rsp)
//      | red zone, 128 bytes         |    leaf code may keep data here; the kernel leaves it alone
//      +-----------------------------+
//
// A frame that was interrupted by a signal has no return-PC slot: its pc came from the saved context, it is *exact*.
#pragma once

#include "osr-stubs/frame_words.h"

#include <cstdint>

namespace osr {

/// How a pc was found, which decides what it points at.
enum class PcKind : std::uint8_t {
  ReturnPc, ///< read from a return-PC slot: points behind a call; unwind rules are those of pc-1
  Exact,    ///< the next instruction to run (interrupted by a signal): unwind rules are those of pc
};

/// Where a stack lies and where a walk of it ends.
struct StackBounds {
  /// A walk has reached the base when a frame's sp is at least this. Use the CFA of a function that stays on the
  /// stack, for example __builtin_dwarf_cfa() in the function that calls into our code.
  std::uintptr_t base = 0;
  /// No CFA lies above this. With end == base a walk that misses the base by any distance fails.
  std::uintptr_t end = 0;
  /// The alternate signal stack of the thread, [low, high); 0, 0 if it has none.
  std::uintptr_t alternate_low = 0, alternate_high = 0;

  constexpr bool on_alternate(std::uintptr_t sp) const { return sp >= alternate_low && sp < alternate_high; }
  /// The highest CFA that a frame with this sp can have.
  constexpr std::uintptr_t limit(std::uintptr_t sp) const { return on_alternate(sp) ? alternate_high : end; }
};

} // namespace osr
