// The two frames that our assembly builds, as C++ structs.
#pragma once

// SaveArea: the machine at the entry of a generic stub, saved by osr_generic_trampoline, and what to load at the end.
// interpret_transition changes it from "as at entry" to "as at the jump".
// EntryFrame: the machine at the entry of a function, saved by osr_entry_hook. Nothing of it but `target` is looked at again:
// that is at entry_target_cfa_offset of the hook's frame, and the EntryHook at entry_hook_cfa_offset.
#include "osr-stubs/x86_64/stub_frame.h"

#include "compiler/base/site.h"

#include <cstdint>

namespace osr {

/// Copies the result that the callee left in `area` into a result area, and takes off what lies on a stack of registers.
void save_result(const ResultRegisters &result, SaveArea &area, std::uint8_t *result_area);

/// Where hooked calls come to.
struct EntryHook {
  /// Called on the stack of the program's thread, with signals as they were; returns the pc to go on at. Must not throw.
  /// It should set `target` as soon as it knows it: before the pc can go out of use.
  std::uint64_t (*handler)(EntryHook &hook, EntryFrame &frame) = nullptr;
};

} // namespace osr
