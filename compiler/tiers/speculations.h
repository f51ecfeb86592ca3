// What speculation (speculate.h) leaves behind for others.
#pragma once

#include "compiler/base/site.h"

#include <cstdint>
#include <map>
#include <set>

namespace osr {

/// What was guessed in one version, callees included that were in sight.
struct Speculations {
  std::uint64_t branches = 0;     ///< sides that leave
  std::uint64_t single_calls = 0; ///< calls by pointer with one target
  std::uint64_t tested_calls = 0; ///< with several
  std::uint64_t inlined = 0;      ///< targets, at calls of the version's own function
};

/// By function that is called: the functions with optimised code that calls it where canonical code does so by pointer.
using SpeculativeCalls = std::map<FunctionId, std::set<FunctionId>>;

} // namespace osr
