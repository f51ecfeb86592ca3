// The reference executor of transition scripts: slow, obvious, and what the emitter is tested against.
#pragma once

#include "osr-stubs/stub_frame.h"
#include "osr-stubs/transition_script.h"

namespace osr {

/// Runs the script on the machine state in `area`: reads all sources, then writes all targets (memory at once,
/// registers into `area`), pushes the state buffer on the calling thread's object stack and saves the result
/// registers to it. The caller must run on a stack that neither the old nor the new frames reach. Allocates nothing
/// on the heap; nobody may object to the script (script_check.h).
void interpret_transition(const TransitionScript &script, SaveArea &area) noexcept;

} // namespace osr

extern "C" {
/// What a generic stub jumps to: saves the machine, calls interpret_transition, loads the machine, jumps on.
/// r10 = CFA of the frame that is replaced, r11 = the script, rsp is below the old and the new frames.
void osr_generic_trampoline();
extern const char osr_generic_trampoline_end[]; ///< one past its last byte
}
