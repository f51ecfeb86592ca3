// Where baseline code counts, so that optimised code can be made for what happens: which way branches go, and what calls
// by pointer call.
//
//        %due = call i1 @osr.profile.branch(i32 point, i1 %c, i1, i1)    or @osr.profile.target(i32 point, ptr %callee)
//        br i1 %due, due, on
//   due: call void @osr-guard-failed(i32 reason)     a site, from where the branch or call is still to come
//        br on
//   on:  br i1 %c, ...                                or the call
//
// In baseline code %due is true when a counter wraps round, which is next to never. In optimised code it is false; or, where
// it rests on what was counted, true when %c or %callee is what was never seen: then the activation goes to `on` of
// baseline code (exit_calls.h). profile_places.h says what is counted.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Instructions.h>

#include <cstdint>

namespace osr {

/// What baseline code counts at one point. It is written by all threads without care: an increment may get lost.
struct ProfilePoint {
  static constexpr unsigned most_targets = 3;
  std::uint64_t targets[most_targets] = {}; ///< of a call: the most frequent ones, 0 where there are fewer
  /// Call: parallel to targets, less what others have taken of them. Branch: condition false, true.
  std::uint32_t counts[most_targets] = {};
  std::uint32_t total = 0; ///< calls
};
static_assert(sizeof(ProfilePoint) == 40);

/// Asks; both are no sites, and are lowered or folded in every tier.
inline constexpr const char *profile_branch = "osr.profile.branch";
inline constexpr const char *profile_target = "osr.profile.target";
bool is_profile_point(const llvm::CallInst &call);
bool counts_targets(const llvm::CallInst &point);

/// The number of the point within its function.
std::uint32_t profile_point(const llvm::CallInst &point);
/// Of a branch: whether the side to which that value of the condition leads may be given up.
bool may_give_up(const llvm::CallInst &point, bool condition);
/// The site from which an activation would leave there; null if nothing can.
const llvm::CallInst *guard_of_point(const llvm::CallInst &point);
/// The call by pointer that the point stands in front of; null if it has become another one.
llvm::CallBase *call_behind(const llvm::CallInst &point);

/// Puts points in front of what is worth counting in a replaceable function, and says how many. To be run after polls were
/// inserted, before the sites are numbered: all other sites keep their numbers.
std::uint32_t insert_profile_points(llvm::Function &function);

/// Baseline code: the counting itself. `points` is the address of the function's first point.
void lower_profile_points(llvm::Function &function, std::uint64_t points);

/// What baseline code calls to count a target that has no place yet: `void osr-profile-target(ProfilePoint *, ptr)`.
inline constexpr const char *count_target_callee = "osr-profile-target";
/// Async-signal-safe.
void count_new_target(ProfilePoint &point, std::uint64_t target);

} // namespace osr
