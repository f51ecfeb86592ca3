// Unwind rules of code that the dynamic linker loaded (the host program, libc, libstdc++ ...), found without a lock.
//
// The usual way, dl_iterate_phdr, takes the loader's lock; a stopped thread may hold it. _dl_find_object does not.
#pragma once

#include "runtime/code/unwind_rows.h"
#include "runtime/stack/frame_layout.h"

#include <cstdint>
#include <span>

namespace osr {

/// How to step out of a frame at one pc.
struct StepRules {
  enum class Kind : std::uint8_t {
    None,        ///< nothing describes this pc
    Row,         ///< row is usable
    ThroughBase, ///< row is known, and leads through the base
    SignalFrame, ///< a signal trampoline: the caller was interrupted and its pc is exact
    Landing, ///< of an unwinder, in a function by which exceptions land; row is usable, or the function is about to leave
    Outermost, ///< the stack begins here: nothing has called this
    Other, ///< described, but by rules that nobody can follow from the registers that calls keep
  };
  Kind kind = Kind::None;
  UnwindRow row;
};

/// Finds the rules for a frame at `pc`. Async-signal-safe, lock-free, no allocation.
StepRules find_loaded_rules(std::uintptr_t pc, PcKind kind);

/// The rules for the instruction at `pc` by the FDE at `offset` of a section that is in memory where it is used.
StepRules rules_by_fde(std::span<const std::uint8_t> section, std::uint64_t offset, std::uintptr_t pc);

} // namespace osr
