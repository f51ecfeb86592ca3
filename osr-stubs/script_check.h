// The rules that every transition script keeps, and the stack it needs.
#pragma once

#include "osr-stubs/transition_script.h"

#include <cstdint>
#include <optional>
#include <string>

namespace osr {

/// Which rule of transition_script.h the script breaks: sizes, offsets, recipe operands, registers that this machine does
/// not have. Nothing: a stub can be made of it. A program may well ask for what no stub can do (a frame of 256 MiB): ask
/// before, and refuse the frame. Not looked at: whether targets overlap each other.
std::optional<std::string> objection_to(const TransitionScript &script);

/// The lowest byte, relative to the CFA, that the new frame uses: the least of final_sp and all Frame targets.
std::int32_t lowest_new_offset(const TransitionScript &script);

} // namespace osr
