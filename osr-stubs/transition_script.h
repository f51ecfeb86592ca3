// What one return stub does, as plain data. The planner (runtime/engine/transition.h) writes scripts; two executors run them: the
// asmjit emitter (a specialised move sequence) and the interpreter behind the generic trampoline (the reference).
//
// A script runs at the moment when a callee has returned into a frame that is to be replaced:
//
//        older frames
//      +----------------------------+ <- CFA of the frame that is replaced (16-byte aligned)
//      | return PC to f's caller    |    CFA-8: stays where it is
//      | saved rbp, rbx, r12..r15   |    at the CFA-relative offsets of the old frame's row
//      | values of the old frame    |
//      +----------------------------+ <- rsp at entry = CFA - cfa_from_sp
//        free (the callee has gone)
//
// All reads see the machine as it was at entry; then all writes happen; then rsp = CFA + final_sp and a jump.
// Offsets named `cfa_offset` are relative to that CFA and negative. New frames may overlap the old one and may
// reach below the old rsp. The result registers (rax, rdx, rcx, vector registers 0-3, x87 stack) come out unchanged.
#pragma once

#include "compiler/base/site.h"
#include "osr-stubs/registers.h"
#include "osr-stubs/transition_ring.h"

#include <array>
#include <cstdint>
#include <vector>

namespace osr {

/// One step of a recipe, applied to a 64-bit value after it was read.
struct RecipeStep {
  enum class Kind : std::uint8_t { Add, Multiply, ShiftLeft, And, ZeroExtend, SignExtend };
  Kind kind = Kind::Add;
  std::int64_t operand = 0; ///< addend, factor, count, mask; for the extensions the number of bits that count
  friend bool operator==(const RecipeStep &, const RecipeStep &) = default;
};

/// Where a value is at entry.
struct ValueSource {
  enum class Kind : std::uint8_t { Register, Frame, Constant, FrameAddress };
  Kind kind = Kind::Constant;
  SavedRegister reg{}; ///< Register
  std::int32_t cfa_offset = 0; ///< Frame: memory at CFA+cfa_offset; FrameAddress: the address itself
  std::uint64_t constant = 0; ///< Constant
  std::vector<RecipeStep> recipe; ///< empty for values wider than 8 bytes
  friend bool operator==(const ValueSource &, const ValueSource &) = default;
};

/// Where a value goes.
struct ValueTarget {
  enum class Kind : std::uint8_t { Register, Frame, StateBuffer };
  Kind kind = Kind::Frame;
  SavedRegister reg{}; ///< Register
  std::int32_t offset = 0; ///< Frame: CFA-relative; StateBuffer: from the start of the buffer
  friend bool operator==(const ValueTarget &, const ValueTarget &) = default;
};

/// Copies `size` bytes. A register target is written whole (8 bytes); a Constant or Register source has at most 8.
struct Move {
  ValueSource source;
  ValueTarget target;
  std::uint32_t size = 8;
};

/// Where those values are that the caller of the replaced frame left in its callee-saved registers: relative to the CFA,
/// or 0 for the register itself. Unwinders want to know.
using CallerRegisters = std::array<std::int32_t, saved_register_count>;

struct TransitionScript {
  std::int32_t cfa_from_sp = 0; ///< CFA = rsp at entry + cfa_from_sp
  /// At the entry and at the jump. Where the two differ, a move takes the value from the one place to the other.
  CallerRegisters caller_before{}, caller_after{};
  std::vector<Move> moves; ///< targets never overlap each other
  std::int32_t final_sp = 0; ///< rsp at the jump = CFA + final_sp
  std::uint64_t target_pc = 0; ///< where the new code takes over

  /// Bytes pushed on the object stack for a continuation (multiple of 16), 0 for an in-place landing. The buffer's
  /// address is in the first argument's register at the jump. Its last `result_area_size` bytes take the result registers (result_area.h).
  std::uint32_t state_buffer_size = 0;
  std::uint32_t result_area_offset = 0;
  /// Counters that the stub increments (plain 64-bit, not atomic); null: none.
  std::array<std::uint64_t *, 2> counters{};
  const TracedTransition *traced = nullptr; ///< listed when it is executed; null: it is not

  ResultRegisters result; ///< which result registers go to the buffer (state_buffer_size != 0 only)
};

} // namespace osr
