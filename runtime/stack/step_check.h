// The rule that every step of a walk obeys, whoever computed it.
#pragma once

#include "runtime/stack/frame_layout.h"

namespace osr {

/// How a walk stands; also why it ended.
enum class WalkStatus : std::uint8_t {
  Walking,
  ReachedBase,   ///< the only good end
  NoUnwindInfo,  ///< a pc that nobody describes: guessing would invent frames
  NotAdvancing,  ///< the CFA is not above the frame's sp
  Misaligned,    ///< the CFA is not a multiple of 8
  OutOfBounds,   ///< the CFA is outside the stack
  EndOfStack,    ///< the outermost frame of the thread came before the base
  OddRules,       ///< what the frame says of its caller cannot be followed from the registers that calls keep
  Landing,        ///< an exception is about to land: registers and stack do not fit together for some instructions
  Astray,         ///< the CFA is not where the site's record says
};

/// A sentence for people. Static storage; async-signal-safe.
constexpr const char *describe(WalkStatus status) {
  switch (status) {
  case WalkStatus::Walking: return "the walk goes on";
  case WalkStatus::ReachedBase: return "the base of the stack is reached";
  case WalkStatus::NoUnwindInfo: return "no unwind information for this pc";
  case WalkStatus::NotAdvancing: return "the frame's CFA is not above its stack pointer";
  case WalkStatus::Misaligned: return "the frame's CFA is not a multiple of 8";
  case WalkStatus::OutOfBounds: return "the frame's CFA is outside the stack";
  case WalkStatus::EndOfStack: return "the outermost frame was reached before the base of the walk";
  case WalkStatus::OddRules: return "the frame's unwind information cannot be followed";
  case WalkStatus::Landing: return "an exception is about to land";
  case WalkStatus::Astray: return "the frame's CFA is not where the site's record says";
  }
  return "unknown status";
}

/// Walking if a frame with this sp can have this CFA, else what is wrong. No CFA lies above `limit` (StackBounds::limit).
constexpr WalkStatus check_step(std::uintptr_t sp, std::uintptr_t cfa, std::uintptr_t limit) {
  if (cfa <= sp)
    return WalkStatus::NotAdvancing;
  if (cfa % word_size != 0)
    return WalkStatus::Misaligned;
  if (cfa > limit)
    return WalkStatus::OutOfBounds;
  return WalkStatus::Walking;
}
constexpr WalkStatus check_step(std::uintptr_t sp, std::uintptr_t cfa, const StackBounds &bounds) {
  return check_step(sp, cfa, bounds.limit(sp));
}

} // namespace osr
