// Where baseline code counts, so that optimised code can be made for what happens: which way branches go, and what
// indirect calls call.
//
//        %due = call i1 @osr.profile.branch(i64 point, i1 %c)         or @osr.profile.target(i64 point, ptr %callee)
//        br i1 %due, due, on
//   due: call void @osr_guard_failed(i32 reason)     a site, from where the branch or call is still to come
//        br on
//   on:  br i1 %c, ...                                or the call
//
// In baseline code %due is true when a counter wraps round, which is next to never. In optimised code it is false; or, where
// it rests on what was counted, true when %c or %callee is what was never seen: then the activation goes to `on` of
// baseline code (exit_calls.h).
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/InstrTypes.h>

#include <cstdint>
#include <vector>

namespace osr {

/// What baseline code counts at one point. It is written by all threads without care: an increment may get lost.
struct ProfilePoint {
  std::uint64_t first_target = 0; ///< of a call
  std::uint32_t counts[2] = {}; ///< branch: condition false, true; call: of another target, of the first one
};
static_assert(sizeof(ProfilePoint) == 16);

/// Asks; both are no sites, and are lowered or folded in every tier.
inline constexpr const char *profile_branch = "osr.profile.branch";
inline constexpr const char *profile_target = "osr.profile.target";
bool is_profile_point(const llvm::CallInst &call);

/// The number of the point.
std::uint64_t profile_point(const llvm::CallInst &call);
/// The site from which an activation would leave there; null if nothing can.
const llvm::CallInst *guard_of_point(const llvm::CallInst &point);

/// Puts points in front of all conditional branches and indirect calls of replaceable functions. To be run after polls
/// were inserted, before the sites are numbered. Returns how many points there are.
std::uint64_t insert_profile_points(CanonicalProgram &program);

/// Baseline code: the counting itself. `points` is the address of the first point.
void lower_profile_points(llvm::Module &module, std::uint64_t points);

} // namespace osr
