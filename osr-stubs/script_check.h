// The rules that every transition script keeps, and the stack it needs.
#pragma once

#include "osr-stubs/transition_script.h"

#include <cstdint>

namespace osr {

/// Stops the process when the script breaks a rule of transition_script.h (sizes, offsets, recipe operands, registers
/// that this machine does not have). Not checked: that targets do not overlap each other.
void check_script(const TransitionScript &script);

/// The lowest byte, relative to the CFA, that the new frame uses: the least of final_sp and all Frame targets.
std::int32_t lowest_new_offset(const TransitionScript &script);

} // namespace osr
