// What optimised code takes for granted: that a guard holds, or rather that control does not come to the site behind its
// failure. An assumption is named by that site, in all code that holds it.
#pragma once

#include "compiler/base/site.h"

#include <llvm/IR/Module.h>

#include <map>
#include <set>

namespace osr {

struct CanonicalProgram;

class Assumptions {
public:
  bool holds(SiteId guard) const;
  /// From now on it is not made. A function of which many were dropped makes none at all any more: so the number of
  /// times that code is compiled anew for this has a bound, however many guards there are.
  void drop(SiteId guard);
  /// The id will be used for another body.
  void forget(FunctionId function);

  static constexpr std::size_t most_dropped = 5; ///< of one function

private:
  std::map<FunctionId, std::set<SiteId>> dropped_;
};

/// The site of a failed guard.
bool is_guard_site(const Site &site);

/// Makes optimised code out of canonical code end where a guard has failed (exit_calls.h): the rest of the block becomes
/// `ret llvm.experimental.deoptimize(reason)` with the frame state of the site, whose meaning LLVM knows. Where an
/// assumption does not hold any more, and in functions that cannot be replaced, nothing is left of the call.
/// Without `assumptions` none is made. To be run before optimisation.
void assume_guards(llvm::Module &module, const CanonicalProgram &program, const Assumptions *assumptions);

/// True if there is such an end in it.
bool leaves(const llvm::Function &function);

/// To be run after optimisation: the call of osr-guard-failed again, with its frame state. It must not go on behind the
/// call; if it ever does, because somebody took back what the runtime had done to its frame, the call is made again.
void lower_exits(llvm::Function &function);

/// The guard sites at which `module`'s functions leave.
std::map<FunctionId, std::set<SiteId>> exits_of(const llvm::Module &module, const CanonicalProgram &program);

} // namespace osr
