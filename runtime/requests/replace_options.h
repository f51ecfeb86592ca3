// What a caller of Runtime::replace may choose.
#pragma once

#include "compiler/base/site.h"

#include <atomic>

namespace osr {

/// What becomes of activations of the old code.
enum class Frames : std::uint8_t {
  Rewrite,       ///< they go on in the new code as soon as control returns to them
  FinishOld,     ///< they end in the old code
  WaitQuiescent, ///< they end in the old code, and the request ends when none is left on any stack
};

/// What becomes of the old code itself.
enum class OldCode : std::uint8_t {
  Free, ///< its memory is given back as soon as nothing leads into it
  Keep, ///< it stays, so that going back needs no compiler
};

struct ReplaceOptions {
  Tier to = Tier::Optimized;
  Frames frames = Frames::Rewrite;
  OldCode old_code = OldCode::Free;
  bool redirect_calls = true; ///< calls to come enter the new code; false: they go where they went
  bool recompile = false;     ///< make a new version even if there is one of that tier, and replace that one too
  /// false: activations that are executing in the function itself, not in a call, stay; nobody waits for them.
  bool may_wait = true;
  const std::atomic<bool> *is_cancelled = nullptr; ///< looked at until the first frame is written
};

} // namespace osr
