// How the runtime finds out that nothing leads into old code any more.
#pragma once

#include <cstdint>

namespace osr {

enum class Freeing : std::uint8_t {
  /// All threads are stopped, and their stacks are looked at. Calls cost nothing.
  StackEvidence,
  /// Each version counts its activations; threads are stopped only when the count is zero, to be sure, and once in a
  /// while when it is not, because activations that end by longjmp are never counted down. Each call costs two atomic
  /// operations. Frames cannot be rewritten: the count would be wrong. It exists for comparison.
  ResidenceCounting,
};

} // namespace osr
