// What a tier's lowering knows about each stack map it emitted. Plain data.
//
// The machine's stack map says where *operands* are; this says which operands, constants and recipes make up the frame
// states. Both meet at link time and give a SiteRecord (runtime/stackmap/record.h).
#pragma once

#include "compiler/base/site.h"
#include "osr-stubs/transition_script.h"

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

/// One value of a frame state in one piece of code.
struct LoweredValue {
  enum class Kind : std::uint8_t {
    Operand,  ///< the value is stack map operand `operand`
    InMemory, ///< stack map operand `operand` is the address of a frame slot that holds the value
    Constant, ///< `constant`
    Symbol,   ///< the address of `symbol`
  };
  Kind kind = Kind::Constant;
  std::uint32_t operand = 0;
  std::uint32_t size = 0; ///< bytes, as in FrameStateValue::size
  std::uint64_t constant = 0;
  std::string symbol;
  std::vector<RecipeStep> recipe; ///< applied to what is there
};

struct LoweredFrame {
  SiteId site;
  std::vector<LoweredValue> values;
};

/// The record of one lowered call: its frame states, outermost first. Its index is the stack map's id.
struct LoweredRecord {
  std::vector<LoweredFrame> frames;
};

} // namespace osr
