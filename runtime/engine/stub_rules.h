// How activations get to their stubs, and what that allows stubs to do.
#pragma once

#include "compiler/target/return_point.h"
#include "runtime/machine/page_size.h"

#include "osr/options.h"

#include <cstdint>
#include <limits>

namespace osr {

struct StubRules {
  bool splits = true; ///< one frame may become several
  /// How far, in bytes, the new frames may reach below the sp of the old one.
  std::int32_t most_growth = std::numeric_limits<std::int32_t>::max();
  std::uint32_t landing_skip = 0; ///< bytes behind the return PC where in-place landings go on
};

/// With return PCs, whoever rewrites one looks how much room that activation has. A patched site also catches
/// activations that do not exist yet: for these at most a page is used below the old frame, so that one without room
/// meets the guard page of its stack, as a call would. In-place landings pass by the site's own patch.
///
/// A shadow stack has the return PCs of frames that were called. A frame that takes the place of another returns by the
/// same return PC; frames that a split makes return by PCs that it has never seen.
inline StubRules rules_for(Mechanism mechanism, bool shadow_stack) {
  if (mechanism == Mechanism::ReturnPc)
    return {};
  return {.splits = !shadow_stack, .most_growth = std::int32_t(page_size), .landing_skip = return_point_nop.size()};
}

} // namespace osr
