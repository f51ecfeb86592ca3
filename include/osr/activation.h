// What is on the stacks of the program, for stack traces, debuggers and profilers.
#pragma once

#include "osr/tier.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <sys/types.h>

namespace osr {

/// One value of a point: of a virtual register of the front end's.
struct ActivationValue {
  std::string_view type;            ///< LLVM type
  std::span<const std::byte> bytes; ///< as a store of the value writes them; empty: not known here
};

/// One activation of a function of the program, in whatever tier; a function that was inlined has its own. All is valid while the
/// visitor runs.
///
/// A front end says where it is by a "deopt" bundle of the call that an activation waits for, `["deopt"(i64 id, values...)]`, or
/// between calls by `call void @osr.point(i64 id) ["deopt"(values...)]`.
struct Activation {
  pid_t thread = 0;
  std::string_view function;
  Tier tier = Tier::Baseline;
  bool is_inlined = false; ///< into the function of the next older activation
  std::optional<std::uint32_t> site; ///< where it waits; nothing: it runs, or is never replaced there
  std::string_view file; ///< of the site, as the front end's debug information says; empty: not known
  unsigned line = 0; ///< 0: not known
  std::optional<std::uint64_t> point; ///< the front end's id for that place
  std::span<const ActivationValue> values; ///< in the order of the bundle
};

} // namespace osr
