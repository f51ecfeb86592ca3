// What a runtime does, told to its host as it happens.
#pragma once

#include "osr/tier.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace osr {

enum class EventKind : std::uint8_t {
  /// Code of the function was made, of `bytes`, in `seconds`; with `site`, a continuation from there. `reason`: what for.
  Compiled,
  NotCompiled, ///< there can be no such code: `reason`
  /// Calls enter code of `tier`, and `activations` go on in it. `reason`: a request, or where the function was hot.
  TierChanged,
  Exited, ///< an activation left optimised code at the guard `site`; `reason`: of which kind that is
  Dropped, ///< the guard `site` failed too often: code to come does not assume it, and what does is out of use
  /// Optimised code of the function went out of use because guards failed in it, for the third time or more: `times`.
  Cycle,
  Redefined, ///< a new body; `activations` of the old one go on in it (in a patch: of all its functions)
  Removed, ///< the function's module was
  OutOfUse, ///< nothing enters this code any more; `reason`: what happened
  Freed, ///< its memory, `bytes`, was given back
};

/// Texts are valid while the listener runs. What an event does not speak of is zero or empty.
struct RuntimeEvent {
  EventKind kind{};
  std::string_view function; ///< of a guard that was inlined the one that it was written in
  Tier tier = Tier::Baseline;
  std::optional<std::uint32_t> site;
  std::uint64_t bytes = 0;
  double seconds = 0; ///< from when it was wanted until it was there
  std::uint64_t activations = 0;
  std::uint64_t times = 0;
  std::string_view reason;
};

/// Called in the thread in which it happened, one of the program's or of the runtime's own, with the runtime's lock held:
/// so the events of a runtime come one at a time, in the order in which they happened, and no signal is handled. It may
/// allocate and write; it may not use a runtime, wait for a thread that may do so, throw, or leave by longjmp. The program
/// waits for it where it needs the runtime. In the child of a fork it is called there. What ends with the runtime is not
/// told.
using Listener = std::function<void(const RuntimeEvent &event)>;

} // namespace osr
