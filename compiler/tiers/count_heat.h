// Counts how often baseline code is entered and goes round its loops, so that a policy notices what is worth optimising.
//
//     poll:   if (poll word != 0 || --left < 0) osr-loop-poll();    a loop: one branch for both
//     entry:  if (--left < 0) [[unlikely]] osr-heat(&counter, 0);   a loop that does not poll: the same, 1, at its back edges
//
// Code names its counter by one name, whatever function it is of, and is linked with the address: so it is the same in each process. The
// counter lies where an offset from the code reaches it.
//
// The call in a poll is an ordinary site: the activation that runs the loop can be replaced there and then. The others
// are no sites: the activation is replaced at its next call or poll. Loops that do not poll are those of pinned functions and a few
// cycles without one header.
#pragma once

#include "compiler/base/site.h"

#include <llvm/IR/Function.h>

#include <atomic>
#include <cstdint>

namespace osr {

/// Of one body. Threads count without synchronisation: a count may get lost.
struct HeatCounter {
  std::atomic<std::int32_t> left; ///< first: what the code counts down
  FunctionId function = 0; ///< the body
  std::atomic<std::int32_t> first = 0; ///< where it began; 0: code does not count
  bool counts_work = false; ///< entries and rounds count as much as they have instructions, instead of one
  std::atomic<std::uint32_t> times = 0; ///< how often it ran out, or was seen by a sampler
  enum class State : std::uint8_t { Cold, Queued, Hot, Left }; ///< Hot: it was optimised; Left: it is never to be
  std::atomic<State> state = State::Cold;
  std::atomic<bool> is_to_wait = false; ///< the thread that is noticed next waits for the compiler
};

/// What code calls whose counter ran out. The runtime defines it: `void osr-heat(HeatCounter *, int in_loop)`, which
/// changes no memory of the program.
inline constexpr const char *heat_callee = "osr-heat";

/// The counter of the function that the code is of: a HeatCounter, whose first word is `left`.
inline constexpr const char *heat_counter_symbol = "osr-heat-counter";

/// To be run over baseline code before the poll word gets its place. Only `counts_work` of the counter is looked at.
void count_heat(llvm::Function &function, const HeatCounter &counter);

} // namespace osr
