// Optimised code for what baseline code has counted:
//
//   a branch never went there               that side leaves: it is not compiled
//   a call by pointer had one target        calls it directly, so that it may be inlined; leaves if it is another one
//   it had several, some of them often      asks for these one by one; any other is called by pointer as ever
//   a guess of the first two kinds failed   is not made again: that call is compiled as for several targets
//
// Leaving is what a failed guard does (assumptions.h): the activation goes on in baseline code.
#pragma once

#include "compiler/tiers/assumptions.h"
#include "compiler/tiers/profile.h"
#include "compiler/tiers/speculations.h"

#include <set>

namespace osr {

/// What speculation rests on. Null assumptions: nothing leaves. Null profile: nothing is guessed.
struct SpeculationBasis {
  const Assumptions *assumptions = nullptr;
  const Profile *profile = nullptr;
  SpeculativeCalls *calls = nullptr; ///< grows
};

/// Takes all profile points out of `module`, canonical code in the program's context that is about to be optimised, and
/// puts in what they say. Bodies that may be inlined have to be there.
Speculations speculate(llvm::Module &module, const SpeculationBasis &basis);

/// To be run after optimisation: the number of calls that canonical code of `function` makes by pointer, that speculate()
/// had made direct, and that are gone.
class InlinedTargets {
public:
  /// Between speculate() and optimisation.
  explicit InlinedTargets(const llvm::Function &function, const CanonicalProgram &program);
  std::uint64_t count(const llvm::Function &optimized, const CanonicalProgram &program) const;

private:
  std::multiset<SiteId> direct_;
};

} // namespace osr
