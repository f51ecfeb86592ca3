// A patch, or its way back, that waits for a moment at which no activation would stay in an old body.
#pragma once

#include "runtime/redefine/redefiner.h"

#include <chrono>

namespace osr {

/// In between, calls mean the old bodies, and the other ones are kept for it.
struct Redefiner::WaitingChange {
  PatchChange change;
  struct Ages {
    std::uint64_t old, fresh;
  };
  std::vector<Ages> ages; ///< of bodies: whether they are still the same ones
  bool is_forced = false;
  bool was_asked = false; ///< who may refuse it was, or is being
  std::string waits_for; ///< what was found the last time
  std::chrono::steady_clock::time_point end; ///< it is given up then
};

} // namespace osr
