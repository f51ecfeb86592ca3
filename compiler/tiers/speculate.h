// Optimised code for what baseline code has counted: branches that were never taken lead away from it, and a call that
// always called the same function calls it directly, behind a guard.
#pragma once

#include "compiler/sites/profile_points.h"
#include "compiler/tiers/assumptions.h"

#include <functional>
#include <map>
#include <set>

namespace osr {

/// What the program has counted so far. The points' memory does not move.
class Profile {
public:
  /// The body that calls of this address enter now; null if it is none of the program's.
  using FunctionAt = std::function<const llvm::Function *(std::uint64_t address)>;
  Profile(std::uint64_t points, FunctionAt function_at) : points_(points), function_at_(std::move(function_at)) {}

  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(points_.data()); }

  enum class Seen : std::uint8_t { Little, Both, OnlyFalse, OnlyTrue };
  /// Branch: which values the condition had. Call: whether it had the first target only (OnlyTrue).
  Seen seen(const llvm::CallInst &point) const;
  /// The only function that was called there. Null if there were others, or too few calls.
  const llvm::Function *only_target(const llvm::CallInst &point) const;

private:
  std::vector<ProfilePoint> points_;
  FunctionAt function_at_;
};

/// By function that is called: the functions with optimised code that calls it where canonical code does so by pointer.
using SpeculativeCalls = std::map<FunctionId, std::set<FunctionId>>;

/// Takes all profile points out of `module`, canonical code that is about to be optimised. Where `profile` and
/// `assumptions` allow it, what was never seen leads to the point's site. Without them nothing does.
void speculate(llvm::Module &module, const CanonicalProgram &program, const Assumptions *assumptions,
               const Profile *profile, SpeculativeCalls &calls);

} // namespace osr
