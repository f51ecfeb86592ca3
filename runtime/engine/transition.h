// Planning a transition: from one activation, described by its record, to the frames that take its place.
#pragma once

#include "osr-stubs/transition_script.h"
#include "runtime/code/unwind_rows.h"
#include "runtime/stackmap/record.h"

#include <llvm/Support/Error.h>

#include <span>
#include <vector>

namespace osr {

/// The activation that is replaced, at one return PC.
struct FromFrame {
  const SiteRecord &record;
  const UnwindRow &row;      ///< at the return PC
  std::int32_t cfa_from_sp;
};

/// A baseline frame that is built: the site of one function in baseline code.
struct BaselineLanding {
  const SiteRecord &record; ///< of the baseline code: its values are stack slots
  const UnwindRow &row;
  std::int32_t cfa_from_sp;
  std::uint64_t return_pc;
};

/// A continuation that takes over in the innermost function.
struct ContinuationLanding {
  std::uint64_t entry_pc;
  std::span<const std::uint32_t> buffer_offsets; ///< where each value of the site's frame state goes
  std::uint32_t result_area_offset;
  std::uint32_t buffer_size;
  ResultRegisters result;
};

struct TransitionPlan {
  TransitionScript script;
  std::int32_t lowest_offset = 0; ///< lowest byte of the new frames, relative to the CFA
};

/// The old frame becomes `landings.size()` baseline frames, one per inlined frame of its record, outermost first; the
/// newest one goes on at its own return PC.
///
/// Refuses with a reason when a landing has no certificate. A value whose size is not that of its slot is a bug
/// (OSR_CHECK, I1). Touches nothing.
llvm::Expected<TransitionPlan> plan_in_place(const FromFrame &from, std::span<const BaselineLanding> landings);

/// As above, but the innermost frame becomes a continuation; `outer` are the landings of all frames around it.
llvm::Expected<TransitionPlan> plan_continuation(const FromFrame &from, std::span<const BaselineLanding> outer,
                                                 const ContinuationLanding &innermost);

} // namespace osr
