// Machine code for one transition script: the return stub of one site.
//
// Both functions are pure: they return bytes that are right at `load_address` and nowhere else; the caller copies
// them there and makes them executable. Thread-safe.
#pragma once

#include "osr-stubs/transition_script.h"

#include <cstdint>
#include <vector>

namespace osr {

/// One row of a stub's unwind information: from `offset` on, CFA = rsp + cfa_from_sp.
struct StubRow {
  std::uint32_t offset = 0;
  std::int32_t cfa_from_sp = 0;
  friend bool operator==(const StubRow &, const StubRow &) = default;
};

struct EmittedStub {
  std::vector<std::uint8_t> code;
  std::uint32_t entry_offset = 1; ///< the return PC that leads here; before it stands a nop for "return PC - 1"

  /// Where the CFA of the replaced frame is, sorted by offset; the first row is that of the site. The return PC to
  /// the frame's caller is at CFA-8 throughout. Exact at every instruction boundary.
  std::vector<StubRow> rows;

  /// Below this offset the machine is as the site's own row says: the caller's callee-saved registers are in the
  /// old frame's save slots or still in place. From there to landing_offset they are in the middle of a move.
  std::uint32_t site_row_end = 0;
  /// From this offset on the machine is as the code at target_pc expects it; only the jump is left.
  std::uint32_t landing_offset = 0;
};

/// The specialised stub. There must be no objection to the script (script_check.h).
EmittedStub emit_stub(const TransitionScript &script, std::uint64_t load_address);

/// A short stub (about 30 bytes) that has the script interpreted. The script must stay where it is for as long as
/// control can come here. `site_row_end` and `landing_offset` are the stub's end: the rest is in the trampoline.
EmittedStub emit_generic_stub(const TransitionScript *script, std::uint64_t load_address);

} // namespace osr
