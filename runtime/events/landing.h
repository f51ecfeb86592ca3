// The two kinds of code that a replaced activation can go on in.
#pragma once

#include <cstdint>

namespace osr {

/// Where the replaced activation goes on.
enum class Landing : std::uint8_t {
  InPlace,      ///< in baseline code
  Continuation, ///< in a continuation of its innermost function, at the optimised tier
};

} // namespace osr
