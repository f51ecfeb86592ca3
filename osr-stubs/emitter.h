// Machine code for one transition script: the return stub of one site.
//
// Both functions are pure: they return bytes that are right at `load_address` and nowhere else; the caller copies
// them there and makes them executable. Thread-safe.
#pragma once

#include "osr-stubs/transition_script.h"

#include <cstdint>
#include <vector>

namespace osr {

/// One row of a stub's unwind information: from `offset` on, CFA = rsp + cfa_from_sp, and the values that the caller left in
/// its callee-saved registers are where `saved` says.
struct StubRow {
  std::uint32_t offset = 0;
  std::int32_t cfa_from_sp = 0;
  CallerRegisters saved{};
  friend bool operator==(const StubRow &, const StubRow &) = default;
};

struct EmittedStub {
  std::vector<std::uint8_t> code;
  std::uint32_t entry_offset = 1; ///< the return PC that leads here; before it stands a nop for "return PC - 1"

  /// How to step from here to the caller of the replaced frame, sorted by offset; the first row is that of the site, the
  /// last one that of the code at target_pc. The return PC is at CFA-8 throughout. Exact at every instruction boundary.
  std::vector<StubRow> rows;
};

/// The specialised stub. There must be no objection to the script (script_check.h).
EmittedStub emit_stub(const TransitionScript &script, std::uint64_t load_address);

/// A short stub (about 30 bytes) that has the script interpreted. The script must stay where it is for as long as
/// control can come here. The rows end with the stub: the trampoline has CFI of its own.
EmittedStub emit_generic_stub(const TransitionScript *script, std::uint64_t load_address);

} // namespace osr
