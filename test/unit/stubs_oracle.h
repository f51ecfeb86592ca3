// What a transition script means, written a third time and as plainly as possible: on byte arrays, not on a machine.
#pragma once

#include "osr-stubs/transition_script.h"
#include "test/unit/stubs_machine.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace osr::test {

/// A stretch of stack around a CFA, and an object stack's top.
struct World {
  Registers registers;
  std::int32_t lowest = 0;             ///< CFA-relative offset of stack[0]
  std::vector<std::uint8_t> stack;     ///< up to and including some of the older frames
  std::vector<std::uint8_t> buffer;    ///< the state buffer's memory
  std::uint64_t cfa = 0;
  std::uint64_t buffer_address = 0;    ///< of buffer[0]

  std::uint8_t *at(std::int64_t offset) { return stack.data() + (offset - lowest); }
  const std::uint8_t *at(std::int64_t offset) const { return stack.data() + (offset - lowest); }
};

/// The world after the script.
World expected_world(const TransitionScript &script, const World &before);

/// "" when the worlds agree on everything that the script determines; else the first difference in words.
std::string difference(const TransitionScript &script, const World &expected, const World &actual);

/// For failure messages.
std::string describe(const TransitionScript &script);

/// A random script: any mix of frames, sizes, sources, recipes, targets and results. Same seed, same script.
TransitionScript random_script(std::mt19937_64 &random);

} // namespace osr::test
