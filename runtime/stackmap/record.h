// What a stack map record says once it is anchored and expressed relative to the frame's CFA. Plain data.
#pragma once

#include "compiler/base/site.h"
#include "osr-stubs/transition_script.h"

#include <cstdint>
#include <vector>

namespace osr {

/// One value of a frame state and where it is in the frame.
struct RecordedValue {
  ValueSource source;
  std::uint32_t size = 0; ///< bytes, as FrameStateValue::size
  friend bool operator==(const RecordedValue &, const RecordedValue &) = default;
};

/// One canonical frame of a (possibly inlined) chain.
struct FrameRecord {
  SiteId site;
  std::vector<RecordedValue> values; ///< in the site's canonical order
  friend bool operator==(const FrameRecord &, const FrameRecord &) = default;
};

/// Everything known about one return PC of one code object.
struct SiteRecord {
  std::uint32_t return_pc_offset = 0; ///< from the beginning of the code object
  bool certified = false;             ///< the record names all that is live: landing in place is allowed here
  std::vector<FrameRecord> frames;    ///< the chain of inlined frames, outermost first; never empty
  friend bool operator==(const SiteRecord &, const SiteRecord &) = default;
};

} // namespace osr
