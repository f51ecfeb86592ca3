// The two levels at which functions are compiled.
#pragma once

#include <cstdint>

namespace osr {

/// Level of compilation.
enum class Tier : std::uint8_t {
  Baseline,  ///< compiled fast; each site is a place where control can arrive
  Optimized, ///< LLVM's O2
};

inline const char *to_string(Tier tier) { return tier == Tier::Baseline ? "baseline" : "optimized"; }

/// Number of a function in a runtime, for as long as it has it.
using FunctionId = std::uint32_t;

} // namespace osr
