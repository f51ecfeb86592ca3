// What the host of a program may choose when it makes a runtime.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/guards/deoptimize.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/stress/stress.h"
#include "runtime/tiering/tier_policy.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

struct RuntimeOptions {
  Tier tier = Tier::Optimized; ///< of the code that calls enter
  TierUpOptions tier_up;       ///< with a policy: calls enter baseline code first, whatever `tier` says
  StressMode stress;
  CallKind calls = CallKind::Slot;
  /// Under a shadow stack it is always ReturnPoint.
  Mechanism mechanism = Mechanism::ReturnPc;
  StubKind stubs = StubKind::Generated;
  bool verify_each_pass = false;
  bool sites = true;         ///< false: plain code without sites, for comparison
  bool loop_sites = true;    ///< false: loops without calls cannot be left, and pay nothing for it
  bool assume_guards = true; ///< false: optimised code stays where a guard fails, and goes on there
  /// Baseline code counts which way branches go and what is called by pointer; what was so each time, and at least so often,
  /// is what optimised code is made for (compiler/tiers/speculate.h). Nothing: it is not. Nor is it in programs that
  /// may handle signals without a heap of the runtime's own (own_heap.h), or if guards are not assumed or activations counted.
  std::optional<std::uint32_t> speculate_after;
  std::uint64_t most_guard_failures = 3; ///< then code is compiled without the assumption
  DeoptimizeHandler deoptimize;          ///< the embedder's interpreter; null: bundles name their continuations
  Freeing freeing = Freeing::StackEvidence;
  bool compile_ahead = false;               ///< compile every function before the program starts
  std::vector<std::string> libraries;       ///< loaded before the program is linked
  std::vector<std::string> optimize_only;   ///< not empty: all other functions stay at the baseline tier
  std::vector<AbsoluteSymbol> host_symbols; ///< functions and data of the host that the program may name
  SlabSizes slabs;                          ///< the memory for code and what belongs to it
  Fault fault;                              ///< for tests of tests
  Handshake::Options handshake;
  bool (*has_shadow_stack)() = shadow_stack_is_active; ///< asked once; tests put something else here
};

} // namespace osr
