// Orders the moves of a script, which all happen at once, into copies that happen one after the other.
//
// A copy may go when no other copy still has to read what it overwrites. Copies that wait for each other in a circle
// are freed by reading one of them early into a *holder*: a scratch register or a piece of scratch memory. What belongs to the
// caller of the replaced frame is never held in a register, where no unwinder would find it.
#pragma once

#include "osr-stubs/copies.h"

#include <cstdint>
#include <vector>

namespace osr {

/// Where a value waits between an early read and its store.
struct Holder {
  enum class Kind : std::uint8_t { None, General, Vector, Memory };
  Kind kind = Kind::None;
  std::uint32_t index = 0; ///< General, Vector: number of the scratch register; Memory: offset in the scratch area
};

struct ScheduleStep {
  enum class Kind : std::uint8_t {
    Hold, ///< read the copy's source into the holder
    Finish ///< write the copy's target, from the holder if there is one, else from the source
  };
  Kind kind = Kind::Finish;
  std::uint32_t copy = 0;
  Holder holder;
};

struct MoveSchedule {
  std::vector<Copy> copies;
  std::vector<ScheduleStep> steps;
  std::uint32_t scratch_bytes = 0; ///< size of the scratch area, a multiple of 16
};

/// What the machine has for holding values.
struct ScratchRegisters {
  std::uint32_t general = 0;
  std::uint32_t vector = 0;
};

/// The schedule refers to the script's recipes: it must not outlive the script.
MoveSchedule schedule_moves(const TransitionScript &script, const ScratchRegisters &scratch);

} // namespace osr
