// An embedder's interpreter takes over from compiled code: the frame state of a front end's own "deopt" bundle.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace osr {

/// One value as 64-bit words, lowest first. Integers are extended with zeros; numbers of floating point and vectors are
/// the integers of their bits; members of aggregates follow each other.
struct DeoptimizedValue {
  std::string_view type; ///< LLVM type
  std::span<const std::uint64_t> words;
};

/// An activation that goes on in the interpreter.
struct DeoptimizedFrame {
  std::string_view function;
  std::string_view result_type;
  std::vector<DeoptimizedValue> arguments; ///< of llvm.experimental.guard behind its condition, or of .deoptimize
  std::vector<DeoptimizedValue> state; ///< the operands of the bundle
};

/// The words of the function's result; unused ones do not matter.
using DeoptimizedResult = std::array<std::uint64_t, 2>;

/// Does the rest of the activation and returns what the function returns. Called in a thread of the program, on its
/// stack, without any lock: it may call functions of the program, enter compiled code in the middle (Runtime::enter_at),
/// and take its time.
using DeoptimizeHandler = std::function<DeoptimizedResult(const DeoptimizedFrame &)>;

} // namespace osr
