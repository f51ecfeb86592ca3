// A version that is being compiled while the program may go on.
#pragma once

#include "compiler/codegen/move_module.h"
#include "compiler/tiers/speculate.h"
#include "compiler/tiers/speculations.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace osr {

/// What Compiler::begin() took out of the program; Compiler::finish() makes the version of it. It belongs to one thread at
/// a time.
struct PendingCompile {
  VersionKey key;
  std::string symbol; ///< of the version
  ApartModule apart; ///< the function, or continuation, and what may be inlined into it
  const llvm::Function *in_program =
      nullptr; ///< instead: the function in the optimised program, for its owner's thread only
  bool is_optimized = false; ///< that module already
  Speculations speculations;
  std::optional<InlinedTargets> targets; ///< of calls by pointer that speculation made direct
  std::uint64_t generation = 0; ///< of the program and of the assumptions; see Compiler::is_outdated
  std::chrono::steady_clock::time_point begun;
  std::chrono::duration<double> taken{0}; ///< by begin()
};

} // namespace osr
